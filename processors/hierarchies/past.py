"""Where an account would stand had some lines never been (INV-OBA-2).

Every line keeps what it has said of services, step by step. Played again without the lines that are cancelled, the
steps of the others put an account where it is to be now: nothing needs to be remembered of what a line once replaced,
and it does not matter in which order lines are taken back.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from processors.billing_profiles.payers import Pay, Payers, Said
from processors.billing_profiles.whole import Change, Circumstances, Coverage
from processors.hierarchies.standing import Standing, placed
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, SERVICE_ACCOUNT, WHO_PAYS
from schemas.accounts import Account
from schemas.lineage import Lineage, LineStep, SyncState, ValueSet
from schemas.order_lines import OrderLine

if TYPE_CHECKING:
    from processors.synchronization.work import Holding, Work


class Value(NamedTuple):
    """A tracked value of a service, the line that set it, and when: transaction and place."""

    value: str | None = None
    by: Lineage | None = None
    since: tuple[int, int] = (0, 0)


class Step(NamedTuple):
    """A step, and the line that made it."""

    line: OrderLine
    said: LineStep

    @property
    def turn(self) -> tuple[int, int]:
        """When it was made: transaction, and place there."""
        return self.said.sequence, self.said.place

    @property
    def lineage(self) -> Lineage:
        """The line in the revision that made it."""
        line, said = self.line, self.said
        return Lineage(order_id=line.order_id, line_id=line.line_id, revision=said.revision, command_id=said.command_id)

    def besides(self, names: Container[str]) -> Step:
        """The step, as if it had said nothing of some attributes."""
        values = {name: value for name, value in self.said.values.items() if name not in names}
        return self if len(values) == len(self.said.values) else Step(self.line, replace(self.said, values=values))

    def before(self, attribute: str) -> ValueSet:
        """What an attribute of the service was before the line."""
        sync, service = self.line.sync, self.said.service_id
        assert sync is not None, "a line with steps was synchronized"
        if service == sync.service_id:
            return sync.before.get(attribute, ValueSet())
        moved = (move.before for move in sync.implicit if (move.service_id, move.attribute) == (service, attribute))
        return next(moved, ValueSet())


class Moved(NamedTuple):
    """A service of the account was moved, long ago: a `Move`."""

    old: str | None
    new: str | None
    lineage: Lineage


class Place(NamedTuple):
    """Where an account stands, whose profiles cover it, and who pays for its services there."""

    standing: Standing
    coverage: Coverage
    payers: Payers


class Past:
    """All that lines in force have said of an account's services.

    `held`: services that other lines of the command are about, as they are when the cancelled ones have gone. Where the
    steps that remain lead elsewhere, because something was left as it is (FLP-3, FLP-4), that is how it always was.
    """

    def __init__(self, work: Work, account: Account, held: dict[str, Holding | None]) -> None:
        self._work, self._account, self._held = work, account, held
        here = self.account_id = account.account_id
        on_it = {step.said.service_id for step in _steps(work, work.view.lines_on(here), SyncState.APPLIED)}
        services = dict.fromkeys((*sorted(on_it), *(found.service_id for found in work.view.assigned_to(here))))
        self._steps = {service: steps_about(work, service) for service in services if work.is_live(service)}
        self._gone = [step for step in self._siblings() if step.said.account_id == here]
        """Steps of lines that were taken back before, of orders that have others in force."""

    def _siblings(self) -> Iterator[Step]:
        for order_id in {step.line.order_id: None for steps in self._steps.values() for step in steps}:
            gone = self._work.gone.get(order_id)
            if gone is None:
                lines = (line.line_id for line in self._work.view.lines(order_id))
                gone = self._work.gone[order_id] = list(_steps(self._work, lines, SyncState.CANCELLED))
            yield from gone

    def without(self, line_ids: Container[str]) -> Place:
        """Where the account would stand without some lines."""
        account = self._account
        here = account.account_id
        ordered = account.parent_lineage is not None
        standing = Standing(account.parent_before if ordered else account.parent_account_id)
        coverage = Coverage()
        values, steps = self._beginning(line_ids)
        now, after = (Payers(lambda service: _said(values[service])) for _ in range(2))
        for service, held in values.items():
            _put(now, service, _pay(held, here))
            _put(after, service, _pay(held, here))
        for sequence, turn in groupby(steps, key=lambda step: step.said.sequence):
            said = list(turn)
            gone = [step for step in said if step.line.line_id in line_ids and step.said.account_id == here]
            gone += (step for step in self._gone if step.said.sequence == sequence)
            done = list(_changes(values, (step for step in said if step.line.line_id not in line_ids), here))
            for change, _ in done:
                _put(after, change.service_id, change.new)
            beside = list(_moved_with(done, gone, after))
            for change in beside:
                _put(after, change.service_id, change.new)
            self.follow(Place(standing, coverage, now), [change for change, _ in done], after)
            if sequence > account.parent_since:
                moves = [Moved(_payer(change.old), _payer(change.new), lineage) for change, lineage in done]
                standing = next((found for found, _ in placed(standing, after, here, moves)), standing)
            for change in beside:
                _put(after, change.service_id, change.old)
        return Place(standing, coverage, now)

    def follow(self, place: Place, changes: Iterable[Change], final: Payers) -> None:
        """Let coverage and payers of a place follow changes. `final`: the payers after all of them."""
        at = Circumstances(self.account_id, place.standing.parent, self._is_corporate, place.payers, final)
        for change in changes:
            place.coverage.follow(change, at)
            _put(place.payers, change.service_id, change.new)

    def _is_corporate(self) -> bool:
        return self._work.view.corporate_of(self.account_id) is not None

    def _beginning(self, without: Container[str]) -> tuple[dict[str, dict[str, Value]], list[Step]]:
        """What was there before the first step of each service, and all steps in their order."""
        values: dict[str, dict[str, Value]] = {}
        found: list[Step] = []
        for service, steps in self._steps.items():
            kept = [step for step in steps if step.line.line_id not in without]
            end = {name: value for step in kept for name, value in step.said.values.items()}
            first = {name: step for step in reversed(steps) for name in step.said.values}
            held = self._held[service] if service in self._held else self._work.holding(service)
            now = {} if held is None else held.values
            left = set()
            values[service] = {}
            for name in WHO_PAYS:
                is_ = ValueSet(value=now.get(name), set_by=None if held is None else held.set_by.get(name))
                was = first[name].before(name) if name in first else is_
                if end.get(name, was.value) != is_.value:
                    was = is_
                    left.add(name)
                values[service][name] = Value(was.value, was.set_by)
            found += (step.besides(left) for step in steps)
        return values, sorted(found, key=lambda step: step.turn)


def _moved_with(done: Sequence[tuple[Change, Lineage]], gone: Iterable[Step], after: Payers) -> Iterator[Change]:
    """What lines that have gone moved together with one that is in force.

    An account stays where such a move has put it, as long as one line of it is there (HIE-8).
    """
    pairs = {(_payer(change.old), _payer(change.new)): change.new for change, _ in done if change.old and change.new}
    for step in gone:
        pay = after.services.get(step.said.service_id)
        moved = None if pay is None else pairs.get((pay.account, step.said.values.get(BILLING_ACCOUNT)))
        if pay is not None and moved is not None:
            yield Change(step.said.service_id, pay, moved)


def steps_about(work: Work, service_id: str) -> list[Step]:
    """Everything that lines in force before the command have said of a service, in its order."""
    found = _steps(work, work.view.lines_about(service_id), SyncState.APPLIED)
    return sorted((step for step in found if step.said.service_id == service_id), key=lambda step: step.turn)


def _steps(work: Work, line_ids: Iterable[str], state: SyncState) -> Iterator[Step]:
    for line_id in line_ids:
        line = work.view.line(line_id)
        if line is not None and line.sync is not None and line.sync.state is state:
            yield from (Step(line, said) for said in line.sync.steps)


def _changes(
    values: dict[str, dict[str, Value]], turn: Iterable[Step], account_id: str
) -> Iterator[tuple[Change, Lineage]]:
    """What the steps of one command did on the account, in their order."""
    for step in turn:
        held, lineage = values[step.said.service_id], step.lineage
        old = _pay(held, account_id)
        held.update({name: Value(value, lineage, step.turn) for name, value in step.said.values.items()})
        new = _pay(held, account_id)
        if old != new:
            yield Change(step.said.service_id, old, new), lineage


def _pay(held: dict[str, Value], account_id: str) -> Pay | None:
    """Who pays for a service, as long as the account has it."""
    if held[SERVICE_ACCOUNT].value != account_id:
        return None
    payer = held[BILLING_ACCOUNT]
    return Pay(payer.value, held[BILLING_PROFILE].value, payer.by is not None)


def _said(held: dict[str, Value]) -> Said:
    payer = held[BILLING_ACCOUNT]
    return Said(payer.by, max(payer.since, held[SERVICE_ACCOUNT].since))


def _payer(pay: Pay | None) -> str | None:
    return None if pay is None else pay.account


def _put(payers: Payers, service_id: str, pay: Pay | None) -> None:
    if pay is None:
        payers.drop(service_id)
    else:
        payers.put(service_id, pay)
