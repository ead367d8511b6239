"""Whatever the contracts mark as personal is sealed in the warehouse: in columns, in JSON, in the file's bytes."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.sealed import PREFIX, map_personal
from schemas.shapes import fields_of
from schemas.words import COMMANDS
from state.warehouse import Warehouse, publish
from state.warehouse.catalog import DESCRIBED, FACTS
from streams.sealing import seal_command, unseal_text
from streams.vault import MemoryVault
from tests.warehouse.customer_data import CUSTOMER, SYNCHRONIZED, ask, line, profile
from tests.warehouse.played import Body, Played

MARK = "NobodyMayReadThis"
OPEN = "EverybodyMayReadThis"


class Doors(Played):
    """Customers whose commands come through a door that seals; `met` counts what was sealed, by command and kind."""

    def __init__(self) -> None:
        super().__init__(SYNCHRONIZED)
        self.vault = MemoryVault("a seed for tests")
        self.met: Counter[tuple[str, str]] = Counter()

    def at_the_door(self, customer: str, body: Body) -> Body:
        command = type(body).__name__

        def meet(_path: str, kind: str, text: str) -> str:
            assert text.startswith(MARK), f"{command}: {kind} has no marked value"
            self.met[command, kind] += 1
            return text

        map_personal(body, meet)
        return seal_command(body, customer, self.vault)


def person(what: str) -> dict[str, Any]:
    """A contact and an address with everything in them, marked."""
    contact = {name: f"{MARK} {what} {name}" for name in ("first_name", "last_name", "email", "phone")}
    places = ("street", "street_2", "city", "postal_code", "region", "country")
    return {"contact": contact, "address": {name: f"{MARK} {what} {name}" for name in places}}


def history() -> Doors:
    """Every command that may carry personal data, with all of it; an order that uses the accounts and profiles."""
    doors = Doors()
    doors.on("2026-05-04")
    ask(doors, "RegisterCustomer", name=f"{MARK} name")
    doors.account(CUSTOMER, "a-1", custom_name=OPEN, **person("account"))
    ask(doors, "UpdateAccountDetails", account={"account_id": "a-1"}, **person("changed"))
    ask(
        doors,
        "CreateSubscription",
        subscription_id="u-1",
        account={"account_id": "a-1"},
        kind="POSTPAID",
        services=[{"product": "TV_MINI", "service_id": "tv"}],
    )
    item: dict[str, Any] = {"item_id": "i-1", "product": "DESK_PHONE", "serial_number": f"{MARK} serial"}
    ask(doors, "RegisterInstalledItem", subscription_id="u-1", **item)
    ask(doors, "SubmitOrder", order_id="o-1", lines=[line("l-1", "sv-1", "n-site", "n-hq", "bp-hq")])
    made: list[dict[str, Any]] = [
        {"account_id": name, "account_profile": "mobile", **person(name)} for name in ("n-site", "n-hq")
    ]
    payer = {**profile("bp-hq", "n-hq"), **person("payer")}
    ask(doors, "SynchronizeOrderBillingAccounts", order_id="o-1", accounts=made, billing_profiles=[payer])
    ask(doors, "UpdateBillingSystem", order_id="o-1")
    doors.on("2026-05-06")
    ask(doors, "CancelOrder", order_id="o-1", reason="REGRET", refused=True)
    return doors


@pytest.fixture(scope="module")
def doors() -> Doors:
    return history()


@pytest.fixture(scope="module")
def warehouse(doors: Doors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    opened = doors.into(tmp_path_factory.mktemp("sealed") / "w.duckdb")
    opened.rows("SET force_compression = 'uncompressed'")  # else its bytes tell nothing
    publish(opened, datetime.now(UTC))
    yield opened
    opened.close()


def personal(of: Any, met: set[Any]) -> Iterator[str]:
    """The personal fields below a type, as `Contact.email`; of a command itself, as `name`."""
    if isinstance(of, type) and issubclass(of, msgspec.Struct) and of not in met:
        met.add(of)
        within = "" if of in COMMANDS.values() else f"{of.__name__}."
        yield from (within + field.name for field in fields_of(of) if field.pii)
        for each in typing.get_type_hints(of).values():
            yield from personal(each, met)
    for each in typing.get_args(of):
        yield from personal(each, met)


def test_the_history_has_every_personal_field_of_every_command(doors: Doors) -> None:
    """A new one fails here: it belongs into the history above."""
    expected = {(name, kind) for name, command in COMMANDS.items() for kind in personal(command, set())}
    assert set(doors.met) == expected


def test_no_value_stands_in_any_table_or_view(warehouse: Warehouse) -> None:
    for name in DESCRIBED:
        found = warehouse.rows(f'SELECT count(*) FROM "{name}" AS row WHERE contains(row::VARCHAR, $1)', [MARK])
        assert found == [(0,)], name


def test_no_value_stands_in_the_bytes(warehouse: Warehouse) -> None:
    assert warehouse.file is not None
    for file in warehouse.file.parent.iterdir():
        content = file.read_bytes()
        assert MARK.encode() not in content, file.name
        if content:
            assert OPEN.encode() in content, f"{file.name}: what is not sealed would not be found"
            assert PREFIX.encode() in content


@pytest.mark.parametrize("table", [name for name, table in FACTS.items() if any(each.pii for each in table.columns)])
def test_each_personal_column_has_its_value_sealed(doors: Doors, warehouse: Warehouse, table: str) -> None:
    for column in FACTS[table].columns:
        if column.pii:
            query = f'SELECT customer_id, "{column.name}" FROM {table} WHERE "{column.name}" IS NOT NULL'
            found = warehouse.rows(query)
            assert found, f"{table}.{column.name} is empty"
            for customer, value in found:
                assert unseal_text(value, customer, doors.vault).startswith(MARK)
