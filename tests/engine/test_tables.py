"""Overlay over disk against a plain dict, on a real RocksDB."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state.partition import Damaged, Partition
from state.tables import Tables

KEYS = st.binary(min_size=0, max_size=3).map(lambda raw: bytes(b"ab\x00\xff"[byte % 4] for byte in raw))
CHANGES = st.dictionaries(KEYS.filter(bool), st.one_of(st.none(), st.binary(max_size=2)), max_size=8)
STEPS = st.lists(st.one_of(CHANGES, KEYS, st.just("turn ends")), max_size=20)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partition]:
    disk = Partition(tmp_path_factory.mktemp("tables") / "partition-0")
    yield disk
    disk.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_reads_and_scans_equal_a_dict_whatever_is_on_disk_and_what_in_the_overlay(
    disk: Partition, steps: list[object]
) -> None:
    disk.write({"state": {key: None for key, _ in disk.scan("state", b"")}}, {}, 0.0)
    tables, model = Tables(disk), dict[bytes, bytes]()
    for step in steps:
        if isinstance(step, dict):
            tables.state.apply(step)
            for key, value in step.items():
                model.pop(key, None) if value is None else model.__setitem__(key, value)
        elif isinstance(step, bytes):
            expected = sorted((key, value) for key, value in model.items() if key.startswith(step))
            assert list(tables.state.scan(step)) == expected
            for start in (b"b", step + b"a", step + b"\xff"):
                assert list(tables.state.scan(step, start)) == [row for row in expected if row[0] >= start]
            assert tables.state.get(step) == model.get(step)
            assert tables.answers.get(step) is None
        else:
            disk.write(tables.changes(), {}, 0.0)
            tables.open()


def test_a_scan_keeps_its_upper_bound_alive(disk: Partition) -> None:
    """The bound's memory belongs to read options that rocksdict's cursor does not hold."""
    disk.write({"answers": {b"c%d#%d" % (customer, n): b"" for customer in range(10) for n in range(5)}}, {}, 0.0)
    for number in range(2000):
        rows = disk.scan("answers", b"c%d#" % (number % 10))
        litter = [bytes([number % 256]) * size for size in range(3, 8)]
        assert (len(list(rows)), len(litter)) == (5, 5)


def test_a_scan_is_what_was_there_when_it_was_asked_for(tmp_path: Path) -> None:
    disk = Partition(tmp_path / "partition-0")
    tables = Tables(disk)
    disk.write({"state": {b"a1": b"", b"a2": b""}}, {}, 0.0)
    rows = tables.state.scan(b"a")
    tables.state.apply({b"a1": None, b"a3": b""})
    assert [key for key, _ in rows] == [b"a1", b"a2"]
    assert [key for key, _ in tables.state.scan(b"a")] == [b"a2", b"a3"]
    disk.close()


def test_a_partition_that_was_closed_can_be_opened_again_whoever_still_holds_its_views(tmp_path: Path) -> None:
    disk = Partition(tmp_path / "partition-0")
    held = Tables(disk)
    disk.close()
    Partition(tmp_path / "partition-0").close()
    with pytest.raises(Damaged, match="closed"):
        held.state.get(b"a")
