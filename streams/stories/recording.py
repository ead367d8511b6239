"""Writing a story from the log: what happened to a customer becomes a regression test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from processors import clock
from schemas.catalog import BEGINNING_OF_TIME, Catalog, Price
from schemas.envelope import BusinessTransaction, CommandOutcome, CommandRecord, Mode, Status, Unparsed
from schemas.sealed import is_sealed
from streams.stories.runner import events_of
from streams.stories.shown import Glass, printable
from streams.stories.writing import yaml_text

_DERIVED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A derived id hangs on the customer id and on the command id; what else is the same tells enough."""

_JSON_NAMES = {"mandatory": "MANDATORY", "optional": "OPTIONAL"}


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A command record as it stands in the log, with what came of it: due work first, its own answer last."""

    command: CommandRecord
    timestamp: datetime
    outcomes: Sequence[CommandOutcome]
    transactions: Sequence[BusinessTransaction]


def written_story(customer_id: str, logged: Iterable[Logged], versions: Sequence[Catalog]) -> str:
    """Write a customer's history as a story file.

    `versions` are those of the catalog that decided, in order; each is published before the first command that it
    decided. Sealed values stay sealed.
    """
    steps = list(_steps(list(logged), list(versions[1:])))
    story = {
        "story": f"What happened to {customer_id}",
        "catalog": catalog_mapping(versions[0]),
        "customer": customer_id,
        "steps": steps,
    }
    return yaml_text(story)


def _steps(logged: list[Logged], later: list[Catalog]) -> Iterator[dict[str, Any]]:
    now: datetime | None = None
    for entry in logged:
        at = entry.timestamp if now is None else max(now, entry.timestamp)
        used = max((outcome.catalog_version for outcome in entry.outcomes), default=0)
        while later and later[0].version <= used:
            now = at if now is None else max(now, min(at, later[0].effective_from))
            yield {"at": now, "catalog": catalog_mapping(later.pop(0))}
        step = _clock_step(entry, at) if entry.command.source == clock.SOURCE else _command_step(entry, at)
        if step is not None:
            yield step
            now = at


def _clock_step(entry: Logged, at: datetime) -> dict[str, Any]:
    return {"clock": at, "events": [event for done in entry.transactions for event in _written_events(done, None)]}


def _command_step(entry: Logged, at: datetime) -> dict[str, Any] | None:
    """A command with its own answer. One that became a dead letter says nothing."""
    own = entry.outcomes[-1] if entry.outcomes else None
    command = entry.command
    if own is None:
        return None
    step: dict[str, Any] = {"at": at, "do": own.command_type, "id": command.command_id}
    step |= {"source": command.source, "performed_by": command.performed_by}
    if command.performed_at is not None:
        step["performed_at"] = command.performed_at
    if command.mode is Mode.PREVIEW:
        step["mode"] = command.mode.value
    body = command.body
    step["body"] = msgspec.json.decode(body.json) if isinstance(body, Unparsed) else _given(body)
    if own.status is not Status.COMPLETED:
        step["expect"] = own.status.value
    if own.status is Status.REJECTED:
        glass = Glass(lambda text: text)
        step["refused"] = [_telling(printable(glass.violation(found))) for found in own.violations]
        return step
    transactions = [done for done in entry.transactions if done.transaction_id == own.transaction_id]
    if own.status is Status.COMPLETED and not own.repeated:
        step["changed"] = own.changed
    step["events"] = list(_written_events(transactions[0] if transactions and not own.repeated else None, own))
    return step


def _written_events(
    transaction: BusinessTransaction | None, outcome: CommandOutcome | None
) -> Iterator[dict[str, Any]]:
    for name, fields in events_of(transaction, outcome, Glass(lambda text: text)):
        shown = printable(fields)
        yield {name: _telling(shown.get(name, shown))}


def _telling(value: Any) -> Any:
    """Leave out what another run may derive otherwise."""
    if isinstance(value, Mapping):
        return {key: _telling(inner) for key, inner in value.items() if not _hidden(inner)}
    if isinstance(value, list):
        return [_telling(inner) for inner in value]
    return value


def _hidden(value: Any) -> bool:
    return isinstance(value, str) and (is_sealed(value) or _DERIVED.search(value) is not None)


def _given(struct: msgspec.Struct) -> dict[str, Any]:
    """The fields of a struct that are not as they would be if nobody gave them."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if default is msgspec.NODEFAULT or value != default:
            given[_JSON_NAMES.get(field.encode_name, field.encode_name)] = _plain(value)
    return given


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _given(value)
    if isinstance(value, tuple | list):
        if value and isinstance(value[0], Price):
            return {
                price.currency: {key: one for key, one in _given(price).items() if key != "currency"} for price in value
            }
        return [_plain(inner) for inner in value]
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def catalog_mapping(catalog: Catalog) -> dict[str, Any]:
    """Write a catalog version as the mapping that reads as the same."""
    mapping = {"catalog": catalog.name, **_given(catalog)}
    for own in ("name", "version", "retired_bill_cycles"):
        mapping.pop(own, None)
    if catalog.effective_from == BEGINNING_OF_TIME:
        mapping.pop("effective_from", None)
    if catalog.state_reasons:
        mapping["state_reasons"] = {entry.state.value: list(entry.reasons) for entry in catalog.state_reasons}
    return mapping
