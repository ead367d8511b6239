"""Overlay over disk against a plain dict, on a real RocksDB."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from state.partition import Partition
from state.tables import Tables

KEYS = st.binary(min_size=0, max_size=3).map(lambda raw: bytes(b"ab\x00\xff"[byte % 4] for byte in raw))
CHANGES = st.dictionaries(KEYS.filter(bool), st.one_of(st.none(), st.binary(max_size=2)), max_size=8)
STEPS = st.lists(st.one_of(CHANGES, KEYS, st.just("turn ends")), max_size=20)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_reads_and_scans_equal_a_dict_whatever_is_on_disk_and_what_in_the_overlay(steps: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        disk = Partition(Path(folder) / "partition-0")
        tables, model = Tables(disk), dict[bytes, bytes]()
        for step in steps:
            if isinstance(step, dict):
                tables.state.apply(step)
                for key, value in step.items():
                    model.pop(key, None) if value is None else model.__setitem__(key, value)
            elif isinstance(step, bytes):
                expected = sorted((key, value) for key, value in model.items() if key.startswith(step))
                assert list(tables.state.scan(step)) == expected
                assert tables.state.get(step) == model.get(step)
                assert tables.answers.get(step) is None
            else:
                disk.write(tables.changes(), {}, 0.0)
                tables.open()
        disk.close()


def test_a_scan_is_what_was_there_when_it_was_asked_for(tmp_path: Path) -> None:
    disk = Partition(tmp_path / "partition-0")
    tables = Tables(disk)
    disk.write({"state": {b"a1": b"", b"a2": b""}}, {}, 0.0)
    rows = tables.state.scan(b"a")
    tables.state.apply({b"a1": None, b"a3": b""})
    assert [key for key, _ in rows] == [b"a1", b"a2"]
    assert [key for key, _ in tables.state.scan(b"a")] == [b"a2", b"a3"]
    disk.close()
