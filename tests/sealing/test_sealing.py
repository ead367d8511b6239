"""Personal data is sealed at the door, equally for equal values, and opens only for its customer and its kind."""

from collections.abc import Callable
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.accounts import AccountDetailsChanged, Address, Contact, CreateAccount, DetailChange, UpdateAccountDetails
from schemas.customers import RegisterCustomer
from schemas.envelope import CommandRecord
from schemas.fields import Command, Word, pii
from schemas.references import AccountRef
from schemas.sealed import (
    PREFIX,
    SealedValue,
    first_unsealed_path,
    is_sealed,
    key_id_of,
    longest_sealed,
    read_sealed,
    write_sealed,
)
from streams.sealing import (
    ERASED,
    UNREADABLE,
    SealBrokenError,
    seal_command,
    seal_text,
    seal_unparsed,
    unseal,
    unseal_text,
)
from streams.vault import CustomerErasedError, MemoryVault

CONTACT = Contact(first_name="Ada", last_name="Mayer", email="ada@example.org")
ADDRESS = Address(street="Ring 1", city="Wien", country="AT")
CREATE = CreateAccount(account_id="a-1", custom_name="home", contact=CONTACT, address=ADDRESS)


class Installed(Word, frozen=True, kw_only=True):
    serial_number: Annotated[str | None, pii("Serial number")] = None
    product: str


class Free(Command, frozen=True, kw_only=True):
    """A map, a list, structs in a list, and a struct marked as a whole."""

    address: Annotated[dict[str, str], pii("Address")] = msgspec.field(default_factory=dict)
    names: Annotated[tuple[str, ...], pii("Names")] = ()
    items: tuple[Installed, ...] = ()
    whole: Annotated[AccountRef | None, pii("Marked as a whole")] = None
    attributes: dict[str, str] = msgspec.field(default_factory=dict)


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault("story")


def test_what_is_sealed_opens_again_and_the_rest_stays_plain(vault: MemoryVault) -> None:
    sealed = seal_command(CREATE, "c-1", vault)

    assert sealed.contact is not None
    assert is_sealed(sealed.contact.last_name)
    assert (sealed.account_id, sealed.custom_name) == ("a-1", "home")
    assert "Mayer" not in str(sealed)
    assert unseal(sealed, "c-1", vault) == CREATE


@given(st.text(), st.text(min_size=1, max_size=100))
def test_any_text_opens_again_and_stays_within_its_length(text: str, kind: str) -> None:
    vault = MemoryVault("story")
    sealed = seal_text(text, kind, "c-1", vault)
    assert is_sealed(sealed)
    assert unseal_text(sealed, "c-1", vault) == text
    assert len(sealed) <= longest_sealed(len(text.encode()))


def test_a_retry_seals_to_the_same_bytes_and_a_sealed_value_stays(vault: MemoryVault) -> None:
    sealed = seal_command(CREATE, "c-1", vault)
    assert seal_command(CREATE, "c-1", MemoryVault("story")) == sealed
    assert seal_command(sealed, "c-1", vault) == sealed


def test_equal_values_compare_equal_across_commands_but_not_across_kinds_or_customers(vault: MemoryVault) -> None:
    created = seal_command(CREATE, "c-1", vault)
    updated = seal_command(UpdateAccountDetails(account=AccountRef(account_id="a-1"), contact=CONTACT), "c-1", vault)
    assert created.contact == updated.contact

    texts = {seal_text("x", kind, customer, vault) for kind in ("name", "Contact.email") for customer in ("c-1", "c-2")}
    assert len(texts) == 4


def test_the_value_of_another_customer_does_not_open(vault: MemoryVault) -> None:
    text = seal_text("Mayer", "name", "c-1", vault)
    vault.sealing_key("c-2")
    with pytest.raises(SealBrokenError):
        unseal_text(text, "c-2", vault)

    value = read_sealed(text)
    assert value is not None
    relabelled = write_sealed(value._replace(key_id=key_id_of("c-2")))
    with pytest.raises(SealBrokenError, match="not authentic"):
        unseal_text(relabelled, "c-2", vault)
    assert unseal(RegisterCustomer(name=relabelled), "c-2", vault).name == UNREADABLE


@pytest.mark.parametrize(
    "changed",
    [
        lambda value: value._replace(kind="Contact.email"),
        lambda value: value._replace(nonce=bytes(12)),
        lambda value: value._replace(ciphertext=value.ciphertext[:-1] + bytes([value.ciphertext[-1] ^ 1])),
    ],
    ids=["kind", "nonce", "ciphertext"],
)
def test_a_changed_value_does_not_open(vault: MemoryVault, changed: Callable[[SealedValue], SealedValue]) -> None:
    value = read_sealed(seal_text("Mayer", "name", "c-1", vault))
    assert value is not None
    with pytest.raises(SealBrokenError) as refused:
        unseal_text(write_sealed(changed(value)), "c-1", vault)
    assert "Mayer" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "Mayer", PREFIX, f"{PREFIX}short:AAAA", f"{PREFIX}{'k' * 12}:{'A' * 39}"])
def test_what_has_not_the_form_is_not_sealed(text: str) -> None:
    assert not is_sealed(text)
    assert read_sealed(text) is None


@given(st.text("AB_-9", min_size=40, max_size=90))
def test_whatever_has_the_form_is_read_without_an_error(payload: str) -> None:
    text = f"{PREFIX}{key_id_of('c-1')}:{payload}"
    assert is_sealed(text)
    assert unseal(text, "c-1", MemoryVault("story")) == UNREADABLE


def test_the_parts_of_a_value_are_written_and_read_alike() -> None:
    value = SealedValue("k" * 12, "Contact.email", bytes(range(12)), bytes(20))
    assert read_sealed(write_sealed(value)) == value


def test_the_first_plain_value_is_named_by_its_path(vault: MemoryVault) -> None:
    assert first_unsealed_path(CREATE) == "contact.first_name"
    assert first_unsealed_path(seal_command(CREATE, "c-1", vault)) is None
    assert first_unsealed_path(RegisterCustomer(time_zone="Europe/Vienna")) is None
    record = CommandRecord(command_id="1", customer_id="c-1", source="crm", performed_by="x", body=CREATE)
    assert first_unsealed_path(record) == "body.contact.first_name"


def test_maps_lists_and_marked_structs_are_sealed_leaf_by_leaf(vault: MemoryVault) -> None:
    plain = Free(
        address={"city": "Wien", "floor": "3"},
        names=("Ada", "Eva"),
        items=(Installed(serial_number="s-1", product="BOX"),),
        whole=AccountRef(account_id="a-1"),
        attributes={"colour": "blue"},
    )
    sealed = seal_command(plain, "c-1", vault)

    assert set(sealed.address) == {"city", "floor"}
    assert all(map(is_sealed, (*sealed.address.values(), *sealed.names)))
    assert sealed.items[0].product == "BOX"
    assert sealed.attributes == {"colour": "blue"}
    assert sealed.whole is not None
    assert is_sealed(str(sealed.whole.account_id))
    assert unseal(sealed, "c-1", vault) == plain
    assert read_sealed(sealed.address["city"]).kind == "address.city"  # type: ignore[union-attr]
    assert first_unsealed_path(msgspec.structs.replace(sealed, items=plain.items)) == "items.0.serial_number"
    assert first_unsealed_path(msgspec.structs.replace(sealed, names=(sealed.names[0], "Eva"))) == "names.1"


def test_a_marked_field_that_cannot_be_sealed_is_a_bug_of_ours() -> None:
    class Wrong(Command, frozen=True, kw_only=True):
        age: Annotated[int, pii("Age")] = 0

    with pytest.raises(TypeError, match=r"Wrong\.age"):
        first_unsealed_path(Wrong())


def test_sealed_leaves_inside_canonical_json_open_too(vault: MemoryVault) -> None:
    sealed = seal_text('Mayer "the" elder', "Contact.last_name", "c-1", vault)
    event = AccountDetailsChanged(
        account_id="a-1", changes=(DetailChange(field="contact", new=f'{{"last_name":"{sealed}"}}'),)
    )
    assert unseal(event, "c-1", vault).changes[0].new == '{"last_name":"Mayer \\"the\\" elder"}'


def test_after_erasure_values_read_erased_and_nothing_more_is_sealed(vault: MemoryVault) -> None:
    sealed = seal_command(CREATE, "c-1", vault)
    assert vault.erase("c-1")
    assert not vault.erase("c-1")

    shown = unseal(sealed, "c-1", vault)
    assert shown.contact is not None
    assert (shown.contact.last_name, shown.contact.phone, shown.custom_name) == (ERASED, None, "home")
    with pytest.raises(CustomerErasedError):
        seal_command(CREATE, "c-1", vault)
    assert seal_command(CreateAccount(account_id="a-2"), "c-1", vault) == CreateAccount(account_id="a-2")


def test_a_body_that_does_not_fit_is_sealed_where_it_may_be_personal(vault: MemoryVault) -> None:
    body = {
        "account_id": "a-1",
        "type": 7,
        "custom_attributes": {"colour": "blue"},
        "contact": {"last_name": "Mayer", "phone": 436601234567, "nick": "Ad"},
        "contcat": {"email": "ada@example.org"},
    }
    sealed = seal_unparsed(body, CreateAccount, "c-1", vault)

    written = msgspec.json.encode(sealed).decode()
    assert not any(secret in written for secret in ("Mayer", "436601234567", 'Ad"', "ada@example.org"))
    assert isinstance(sealed, dict)
    assert {name: sealed[name] for name in ("account_id", "type", "custom_attributes")} == {
        name: body[name] for name in ("account_id", "type", "custom_attributes")
    }
    assert sealed["contact"]["phone"] == 0
    assert unseal(sealed, "c-1", vault)["contcat"] == body["contcat"]


def test_a_body_of_an_unknown_command_is_sealed_as_a_whole(vault: MemoryVault) -> None:
    sealed = seal_unparsed({"a": ["Mayer", 7]}, None, "c-1", vault)
    assert isinstance(sealed, dict)
    assert is_sealed(sealed["a"][0])
    assert sealed["a"][1] == 0
