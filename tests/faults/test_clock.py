"""Plans are executed by the clock at their moment, once: idle, killed, joined, and with clocks too many or false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition

from processors.clock import UNMATCHED, nudge
from processors.view.rows.accounts import clock_id
from schemas import codec, wire
from schemas.accounts import Account, AccountState, ChangeAccountState, CreateAccount, ExecutePlannedStateChange
from schemas.bill_cycles import StartBillingPeriod
from schemas.envelope import BusinessTransaction, CommandRecord, Mode, Status
from schemas.fields import Command
from schemas.references import AccountRef
from schemas.rows import EPOCH, Due, next_due_key
from state.partition import Partition
from state.tables import Tables
from streams.clock import Clock
from tests.faults.load import framed
from tests.faults.rig import PARTITIONS, RESTORED, Rig, WorkerProcess, wait_until

EXECUTE = ExecutePlannedStateChange.__name__
MANY = 400
"""More than six turns of due work, each with as many outcomes again for the nudges themselves."""
SECOND = timedelta(seconds=1)
MARGIN = 5 * SECOND
"""So much longer than planning took the machine may take the next time: two workers of tests share it."""
MILLISECOND = timedelta(milliseconds=1)


class Plans:
    """Customers with an account each, and a state change planned for each."""

    def __init__(self, rig: Rig, count: int) -> None:
        self.rig, self.due = rig, dict[str, datetime]()
        began = datetime.now(UTC)
        self.customers = [f"planned-{number}" for number in range(count)]
        for name in self.customers:
            self._ask(name, "account", CreateAccount(account_id="a", account_profile="mobile"))
        rig.producer.flush()
        rig.settled()
        self._took = datetime.now(UTC) - began

    def soon(self, steps: int = 2) -> datetime:
        """A moment with room for so many steps of the size of the first one, however busy the machine is."""
        return datetime.now(UTC) + MARGIN + steps * self._took

    def plan(self, due: Callable[[], datetime]) -> None:
        """A suspension for each customer; they are planned when this returns."""
        for name in self.customers:
            self.due[name] = due()
            body = ChangeAccountState(
                account=AccountRef(account_id="a"),
                state=AccountState.SUSPENDED,
                reason="REQUESTED",
                valid_from=self.due[name],
            )
            self._ask(name, "plan", body)
        self.rig.producer.flush()
        self.rig.settled()
        assert datetime.now(UTC) < min(self.due.values()), "the machine was too busy to plan ahead"

    def _ask(self, customer_id: str, what: str, body: Command) -> None:
        record = CommandRecord(
            command_id=f"{customer_id}-{what}", customer_id=customer_id, source="crm", performed_by="test", body=body
        )
        self.rig.put(framed(record))

    def nudges(self) -> dict[str, CommandRecord]:
        """What the clock sends when they are due, by customer."""
        accounts = {
            outcome.customer_id: entity
            for outcome in self.rig.outcomes()
            for entity in outcome.entities
            if isinstance(entity, Account)
        }
        return {name: self._nudge(name, accounts[name]) for name in self.customers}

    def _nudge(self, customer_id: str, account: Account) -> CommandRecord:
        plan = account.planned_state_change
        assert plan is not None
        due = Due(
            command_type=EXECUTE,
            body={"account_id": account.account_id, "change_id": plan.change_id},
            command_id=clock_id(customer_id, EXECUTE, plan.change_id, plan.due_at),
            due_at=plan.due_at,
        )
        return nudge(customer_id, due)

    def check(self) -> None:
        """Every plan was executed exactly once, at its moment."""
        executed = [found for found in transactions(self.rig) if found.command_type == EXECUTE]
        assert Counter(found.customer_id for found in executed) == Counter(self.customers)
        assert {found.customer_id: found.occurred_at for found in executed} == self.due
        assert all(found.recorded_at >= found.occurred_at for found in executed)


def transactions(rig: Rig) -> Iterator[BusinessTransaction]:
    for record in rig.records(rig.topology.transactions):
        yield codec.TRANSACTION.decode(wire.unframe(record.value)[1])


class Executions:
    """Executed plans as a consumer sees them, and when it first did."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer, self.seen = consumer, dict[str, datetime]()

    def wait_for(self, count: int) -> None:
        wait_until(f"{count} executed plans", lambda: self._look() >= count)

    def _look(self) -> int:
        for message in self._consumer.consume(500, 0.005):
            now = datetime.now(UTC)
            done = codec.TRANSACTION.decode(wire.unframe(message.value())[1])
            if done.command_type == EXECUTE:
                self.seen.setdefault(done.customer_id, now)
        return len(self.seen)


@contextmanager
def following(rig: Rig, topic: str) -> Iterator[Consumer]:
    properties = {"group.id": "following", "isolation.level": "read_committed", "fetch.queue.backoff.ms": 2}
    consumer = Consumer(rig.settings.client_properties() | properties)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def executions(rig: Rig) -> Iterator[Executions]:
    with following(rig, rig.topology.transactions) as consumer:
        yield Executions(consumer)


def began(rig: Rig, instance: str = "a", **environment: str) -> WorkerProcess:
    worker = rig.worker(instance, **environment)
    worker.wait_for(RESTORED)
    return worker


def test_a_quiet_customers_plan_is_executed_within_a_second(rig: Rig) -> None:
    worker = began(rig)
    plans = Plans(rig, 8)
    moments = iter([plans.soon() + rig.load.random.random() * SECOND for _ in range(8)])
    plans.plan(lambda: next(moments))
    with executions(rig) as executed:
        executed.wait_for(len(plans.customers))
    rig.settled()

    worker.stop()
    late = sorted(executed.seen[name] - due for name, due in plans.due.items())
    print("seen by a consumer so long after they were due:", *(f"{each.total_seconds():.3f} s" for each in late))
    assert timedelta(0) < late[0] <= late[-1] < SECOND
    assert list(rig.records(rig.topology.dead_letters)) == [], "a nudge was early"
    plans.check()


def test_kills_around_the_moment_execute_no_plan_twice(rig: Rig) -> None:
    """Soon after the moment, and then at a step of an early turn of the next worker."""
    worker = began(rig)
    plans = Plans(rig, MANY)
    due = plans.soon()
    plans.plan(lambda: due)
    share = rig.load.random.randrange(1, MANY // 2)
    point = rig.load.random.choice(["begun", "produced", "committed", "written"])
    with executions(rig) as executed:
        executed.wait_for(share)
        worker.kill()
        assert rig.worker(FAULT=f"{point}:kill:2").ended() < 0
        worker = rig.worker()
        executed.wait_for(MANY)
    rig.settled()

    worker.stop()
    print(f"{MANY} plans; killed when {share} were executed, and at the second {point!r} after that")
    plans.check()
    rig.check()


def test_a_rebalance_around_the_moment_executes_no_plan_twice(rig: Rig) -> None:
    """Of two workers one is killed in the middle of it, and another one joins while the first takes over."""
    first, second = rig.worker("a"), rig.worker("b")
    first.wait_for(RESTORED)
    second.wait_for(RESTORED)
    plans = Plans(rig, MANY)
    due = plans.soon()
    plans.plan(lambda: due)
    share = rig.load.random.randrange(1, MANY // 2)
    with executions(rig) as executed:
        executed.wait_for(share)
        second.kill()
        third = rig.worker("c")
        executed.wait_for(MANY)
    third.wait_for(RESTORED)
    rig.settled()

    third.stop()
    first.stop()
    print(f"{MANY} plans on a and b; b killed and c started when {share} were executed")
    plans.check()
    rig.check("a", "c")


def test_a_second_clock_and_false_ones_change_nothing(rig: Rig) -> None:
    worker = began(rig)
    plans = Plans(rig, 150)
    due = plans.soon(5) + 3 * MARGIN  # they must be read, and met by nudges, while they are still ahead
    plans.plan(lambda: due)
    genuine = plans.nudges()
    false = [forged for name in plans.customers[:10] for forged in forgeries(genuine[name])]
    before = [*genuine.values(), *genuine.values(), *false]  # genuine ones, but early
    send(rig, before)
    wait_until("dead letters", lambda: len(list(rig.records(rig.topology.dead_letters))) == len(before))
    assert datetime.now(UTC) < due, "the machine was too busy to be early"
    with executions(rig) as executed:
        wait_until("the moment", lambda: datetime.now(UTC) >= due)
        send(rig, [*genuine.values(), *genuine.values()])  # beside the worker's own clock
        executed.wait_for(len(plans.customers))
    send(rig, [*false, *genuine.values()])
    rig.settled()

    worker.stop()
    reasons = Counter(
        dict(letter.headers)["billfold.reason"].decode() for letter in rig.records(rig.topology.dead_letters)
    )
    print(f"{len(before)} early or forged before the moment, then {3 * len(genuine)} too many and {len(false)} forged")
    assert reasons == {UNMATCHED: len(before) + len(false)}
    told = [outcome for outcome in rig.outcomes() if outcome.command_type == EXECUTE]
    assert Counter(outcome.customer_id for outcome in told if not outcome.repeated) == Counter(plans.customers)
    assert {outcome.status for outcome in told} == {Status.COMPLETED}
    assert len({outcome.transaction_id for outcome in told}) == len(plans.customers)
    plans.check()
    rig.check()


def forgeries(genuine: CommandRecord) -> list[CommandRecord]:
    """What looks like a nudge and is none, before and after the moment."""
    changed = msgspec.structs.replace
    return [
        changed(genuine, source="crm"),
        changed(genuine, mode=Mode.PREVIEW),
        changed(genuine, command_id="forged"),
        changed(genuine, body=ExecutePlannedStateChange(account_id="a", change_id="forged")),
        changed(genuine, command_id="forged too", body=StartBillingPeriod(account_id="a", number=2)),
        changed(genuine, body=StartBillingPeriod(account_id="nobody", number=1)),
    ]


def send(rig: Rig, records: list[CommandRecord]) -> None:
    """Put nudges of our own on the topic."""
    for record in records:
        rig.put(framed(record))
    rig.producer.flush()


def test_a_clock_that_is_fast_follows_the_brokers_time(rig: Rig, tmp_path: Path) -> None:
    fast = Clock(rig.settings, now=lambda: datetime.now(UTC) + SECOND)
    due = datetime.now(UTC) + 1.5 * SECOND
    work = Due(command_type=EXECUTE, body={"account_id": "a", "change_id": "c"}, command_id="work", due_at=due)
    disk = Partition(tmp_path / "partition-0")
    disk.write({"state": {next_due_key("c0", due): msgspec.msgpack.encode(work)}}, {}, 0.0)

    stamps = list[datetime]()
    with following(rig, rig.topology.commands) as commands:

        def timely() -> bool:
            fast.look({0: Tables(disk)})
            stamps.extend(EPOCH + found.timestamp()[1] * MILLISECOND for found in commands.consume(10, 0.01))
            return any(stamp >= due for stamp in stamps)

        wait_until("a nudge at its moment", timely)
    fast.close()
    disk.close()
    print("seconds before the moment:", *((due - stamp).total_seconds() for stamp in stamps))
    assert stamps[0] < due, "the clock was not fast"
    assert len(stamps) <= 4, "it went on guessing"
    assert stamps[-1] - due < SECOND
