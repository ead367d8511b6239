"""Provisioning: what networks were asked for, distributors and installed items through time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.warehouse.played import Played
from tests.warehouse.switchboard import SERIAL, switchboard, television


@pytest.fixture(scope="module")
def watched() -> Played:
    return television()


def on(day: int) -> datetime:
    return datetime(2026, 3, day, 8, tzinfo=UTC)


def test_every_wish_with_its_version(tmp_path: Path) -> None:
    query = """SELECT provider, service_id, product, desired_state, version FROM fact_provisioning_request
               ORDER BY service_id, version"""
    assert switchboard().found(tmp_path, query) == [
        ("SWITCH", service_id, product, desired, version)
        for service_id, product in (("l-1", "LINE_A"), ("l-2", "LINE_B"))
        for version, desired in ((1, "ACTIVE"), (2, "INACTIVE"), (3, "ACTIVE"))
    ]


def test_distributors_come_and_go(tmp_path: Path, watched: Played) -> None:
    query = """SELECT number, provider, removed, valid_from, valid_to, is_current FROM dim_distributor
               ORDER BY number, sequence"""
    assert watched.found(tmp_path, query) == [
        (1, "NETCO", False, on(2), None, True),
        (2, "SWITCH", False, on(7), on(8), False),
        (2, "SWITCH", True, on(8), None, True),
    ]


def test_an_installed_item_and_where_it_is_on(tmp_path: Path, watched: Played) -> None:
    query = """SELECT item_id, product, ownership, serial_number, provider, distributor_id IS NOT NULL, valid_from,
                      valid_to, is_current FROM dim_installed_item ORDER BY sequence"""
    item = ("i-1", "DESK_PHONE", "PROVIDER", SERIAL)
    assert watched.found(tmp_path, query) == [
        (*item, None, False, on(6), on(7), False),
        (*item, "SWITCH", True, on(7), on(8), False),
        (*item, "SWITCH", False, on(8), None, True),
    ]
