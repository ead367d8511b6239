"""A customer is forgotten: nothing of it can be read anywhere, and everything still verifies (ACC-50 .. ACC-52)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from compose.kafka import LocalKafka
from schemas.envelope import CommandRecord, Mode, Status
from schemas.refusals import Code
from schemas.sealed import key_id_of, read_sealed
from state.warehouse import copy_path
from streams.audit.warehouse import audit_warehouse
from streams.completeness import completeness
from streams.sealing import ERASED, UNREADABLE, unseal
from streams.vault import CustomerErasedError
from tests.faults.rig import wait_until
from tests.privacy import searching
from tests.privacy.installation import Installation

FORGOTTEN, KEPT = "nordlys", "suedwind"
SEALED = re.compile(r"sealed:v1:[A-Za-z0-9_-]{12}:[A-Za-z0-9_-]+")
CONTACT = {
    "first_name": "Zaphodine",
    "last_name": "Beeblebroxa",
    "email": "zb@heartofgold.example",
    "phone": "+43-Q7-1",
}
ADDRESS = {"street": "Vogonenzeile 42", "street_2": "Stiege Dent", "city": "Magrathea", "country": "Betelgeusia"}
MOVED = {
    "street": "Krikkitgasse 7",
    "city": "Damogran",
    "postal_code": "PC-8Y3K",
    "region": "Halbrunt",
    "country": "Kakrafoon",
}
LOOSE = {
    "name": "Trillianne Astra GmbH",
    "refused": "Slartibartfasta",
    "wrong type": "Agrajaga",
    "unknown field": "Eccentrica",
    "unknown command": "Gallumbits",
    "preview": "Wonkosana",
    "unreadable": "Hotblacka",
    "executive": "Desiatoria",
}
PLAIN = "Hingefreel"
"""Is not personal, so it stays readable."""
NOTE = {"custom_attributes": {"note": PLAIN}}
TEXTS = sorted({*CONTACT.values(), *ADDRESS.values(), *MOVED.values(), *LOOSE.values()})


@pytest.fixture
def installation(breakable_kafka: LocalKafka, topic_prefix: str, tmp_path: Path) -> Iterator[Installation]:
    """With a broker of its own, so that every byte that the broker wrote is ours."""
    installation = Installation(breakable_kafka.bootstrap, tmp_path, topic_prefix)
    installation.worker()
    for role in ("sink", "eraser"):
        installation.start(role)
    yield installation
    installation.close()


def test_what_was_sealed_stands_nowhere_and_after_the_erasure_nobody_opens_it(
    installation: Installation, breakable_kafka: LocalKafka
) -> None:
    sent = live(installation, FORGOTTEN)
    live(installation, KEPT)
    old = installation.record(FORGOTTEN, "RegisterCustomer", {"name": LOOSE["executive"]})
    erase(installation)
    refused_from_now_on(installation)
    assert installation.door.ask(old).violations[0].code == Code.CUSTOMER_ERASED  # sealed before, sent after
    assert installation.door.ask(sent).repeated  # an answer given stays given

    warehouse_filled(installation)
    for role in ("sink", "eraser"):
        installation.stop(role)
    installation.workers[0].stop()
    written = [*searching.topics(installation), *searching.copies(installation), *searching.warehouse(installation)]
    found = list(searching.files(installation.folder, TEXTS))
    found += searching.files(breakable_kafka.folder, TEXTS)
    found += ((place, text) for place, content in written for text in TEXTS if text in content)
    assert found == []
    searched(installation, written)
    opened(installation, written)
    sound(installation)


def live(installation: Installation, customer: str) -> CommandRecord:
    """A customer's whole life but its end: accepted, changed, repeated, refused, malformed, tried, unreadable."""
    ask = installation.ask
    account = {"account_id": "a-1"}
    assert ask(customer, "RegisterCustomer", {"name": LOOSE["name"]}).status is Status.COMPLETED
    create = {**account, "account_profile": "mobile", "custom_name": PLAIN, "contact": CONTACT, "address": ADDRESS}
    sent = installation.record(customer, "CreateAccount", create)
    assert installation.door.ask(sent).status is Status.COMPLETED
    assert installation.door.ask(sent).repeated
    assert ask(customer, "UpdateAccountDetails", {"account": account, "address": MOVED}).changed

    told = ask(customer, "CreateAccount", {"account_profile": "NO_SUCH", "contact": {"last_name": LOOSE["refused"]}})
    assert told.status is Status.REJECTED
    told = ask(customer, "CreateAccount", {"account_id": 7, "contact": {"last_name": LOOSE["wrong type"]}})
    assert told.violations[0].code == Code.MALFORMED
    told = ask(customer, "CreateAccount", {"contact": {"last_name": "x", "nickname": LOOSE["unknown field"]}})
    assert told.violations[0].code == Code.MALFORMED
    told = ask(customer, "PraiseCustomer", {"words": [LOOSE["unknown command"]]})
    assert told.violations[0].code == Code.MALFORMED
    update = {"account": account, "contact": {"last_name": LOOSE["preview"]}}
    assert ask(customer, "UpdateAccountDetails", update, mode=Mode.PREVIEW).status is Status.PREVIEWED
    installation.spoil(installation.record(customer, "RegisterCustomer", {"name": LOOSE["unreadable"], **NOTE}))
    return sent


def erase(installation: Installation) -> None:
    """Not while an account lives; then for good, and only once."""
    ask = installation.ask
    told = ask(FORGOTTEN, "EraseCustomerData", {"reason": "asked for"})
    assert told.violations[0].code == Code.CUSTOMER_ACTIVE
    installation.vault.sealing_key(FORGOTTEN)
    end = {"account": {"account_id": "a-1"}, "state": "DEACTIVATED", "reason": "CHURN"}
    assert ask(FORGOTTEN, "ChangeAccountState", end).status is Status.COMPLETED
    assert ask(FORGOTTEN, "EraseCustomerData", {"reason": "asked for"}).changed
    wait_until("the key is destroyed", lambda: is_erased(installation, FORGOTTEN))

    before = dump(installation)
    told = ask(FORGOTTEN, "EraseCustomerData", {"reason": "asked for again"})
    assert (told.status, told.changed) == (Status.COMPLETED, False)
    assert not installation.vault.erase(FORGOTTEN)
    assert dump(installation) == before


def is_erased(installation: Installation, customer: str) -> bool:
    try:
        installation.vault.opening_key(customer)
    except CustomerErasedError:
        return True
    return False


def dump(installation: Installation) -> list[tuple[object, ...]]:
    """All that the vault holds."""
    rows: list[tuple[object, ...]] = []
    for table in ("data_key", "erased"):
        rows += installation.vault._database.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    return rows


def refused_from_now_on(installation: Installation) -> None:
    """The door seals nothing more for the customer; what is not personal goes on."""
    for command, body in {
        "RegisterCustomer": {"name": LOOSE["name"]},
        "CreateAccount": {"account_id": 7, "contact": {"last_name": LOOSE["wrong type"]}},
    }.items():
        with pytest.raises(CustomerErasedError) as refusal:
            installation.record(FORGOTTEN, command, body)
        assert not [text for text in TEXTS if text in str(refusal.value)]
    told = installation.ask(FORGOTTEN, "CreateAccount", {"account_id": "a-2", "account_profile": "mobile"})
    assert told.status is Status.COMPLETED


def warehouse_filled(installation: Installation) -> None:
    """The copy for readers tells of everything."""
    outcomes = len(installation.outcomes())

    def told() -> bool:
        installation.running()
        copy = copy_path(installation.settings.warehouse)
        if not copy.exists():
            return False
        with duckdb.connect(str(copy), read_only=True) as database:
            return database.execute("SELECT count(*) FROM fact_command_outcome").fetchall() == [(outcomes,)]

    wait_until("every outcome is in the warehouse", told)


def searched(installation: Installation, written: list[tuple[str, str]]) -> None:
    """What is not found is not there: the same search finds a text that nobody sealed wherever it must stand."""
    names = installation.topology
    assert {place.partition("[")[0] for place, content in written if PLAIN in content} >= {
        *(names.commands, names.transactions, names.outcomes, names.dead_letters, names.changelogs["state"]),
        *(f"{path} state" for path in (installation.folder / "data").glob("*/partition-*")),
        f"{installation.settings.warehouse.name} raw_transaction",
        f"{copy_path(installation.settings.warehouse).name} raw_transaction",
    }
    assert list(searching.files(installation.folder, [PLAIN]))


def opened(installation: Installation, written: list[tuple[str, str]]) -> None:
    """Whatever was sealed for the one reads `erased`, wherever it stands; the other can still be read."""
    customers = {key_id_of(customer): customer for customer in (FORGOTTEN, KEPT)}
    shown: dict[str, set[str]] = {FORGOTTEN: set(), KEPT: set()}
    places = set()
    for place, content in written:
        for text in SEALED.findall(content):
            value = read_sealed(text)  # None where the bytes after it look like a part of it
            if value is not None:
                customer = customers[value.key_id]
                shown[customer].add(unseal(text, customer, installation.vault))
                places.add(place.rpartition("[")[0] or place.rpartition(" ")[2])
    assert shown[FORGOTTEN] == {ERASED}
    assert shown[KEPT] - {UNREADABLE} >= set(TEXTS) - {LOOSE["executive"]}
    names = installation.topology
    topics = {names.commands, names.transactions, names.outcomes, names.dead_letters, names.changelogs["state"]}
    assert places >= {*topics, "state", "raw_transaction"}


def sound(installation: Installation) -> None:
    """Chain, digests, replay and the warehouse are as if nothing had been erased."""
    installation.check()
    assert audit_warehouse(installation.settings, lambda _, __: lambda _: None) == []
    assert all(receipt.complete for receipt in completeness(installation.settings))
