"""A worker for the tests: a balance and a gapless sequence per customer. Settings come from the environment.

Commands are JSON: {"id", "amount"}; with "times": n it gives n answers; with "bug" it raises after so many answers;
with "halt": seconds it halts until it has waited so long.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from state.tables import Tables
from streams.engine.boundary import Decided, Halt, Outgoing, SourceRecord
from streams.engine.worker import run_worker
from streams.settings import load
from tests.engine.fault import Fault

settings = load()
topology = settings.topology


def handle(tables: Tables, record: SourceRecord) -> Iterator[Decided]:
    command = json.loads(record.value or b"")
    key, answer_key = record.key or b"", (record.key or b"") + b"|" + command["id"].encode()
    if tables.answers.get(answer_key):
        return
    if record.waited_seconds < command.get("halt", 0):
        raise Halt("the test says so", 0.05)
    for position in range(record.answered, command.get("times", 1)):
        if command.get("bug") == position:
            raise ValueError("a bug in a rule")
        if "slow" in command:
            time.sleep(command["slow"])
        balance, sequence = json.loads(tables.state.get(key) or b"[0, 0]")
        balance, sequence = balance + command["amount"], sequence + 1
        last = position == command.get("times", 1) - 1
        yield Decided(
            state={
                key: json.dumps([balance, sequence]).encode(),
                key + b"#%06d" % sequence: b"",
                key + b"#%06d" % (sequence - 5): None,
            },
            answers={answer_key: b"%d" % sequence} if last else {},
            records=[
                Outgoing(
                    topology.transactions,
                    key,
                    json.dumps(
                        [command["id"], position, sequence, balance, sum(1 for _ in tables.state.scan(key + b"#"))]
                    ).encode(),
                    [("ce_type", b"test")],
                )
            ],
        )


def handle_bug(tables: Tables, record: SourceRecord, bug: Exception) -> Decided:
    dead = Outgoing(topology.dead_letters, record.key, record.value, [("reason", repr(bug).encode())])
    return Decided(records=[dead])


def between_turns(tables: Mapping[int, Tables]) -> None:
    if path := os.environ.get("BETWEEN"):
        Path(path).write_text(
            json.dumps({number: [k.decode() for k, _ in t.state.scan(b"c")] for number, t in tables.items()})
        )


if __name__ == "__main__":
    run_worker(settings, handle, handle_bug, between_turns=between_turns, hook=Fault(os.environ.get("FAULT", "")))
