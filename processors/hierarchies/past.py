"""Where an account would stand had some lines never been (INV-OBA-2).

Every line keeps what it has said of services, step by step. Played again without the lines that are cancelled, the
steps of the others put an account where it is to be now: nothing needs to be remembered of what a line once replaced,
and it does not matter in which order lines are taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from processors.accounts.evolution import made_by_no_line
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

    def sets(self) -> Iterable[tuple[str, str | None]]:
        """The attributes that it sets, with their values, and those with which the assignment begins."""
        return ((self.said.begun or {}) | self.said.values).items()

    def besides(self, names: Collection[str]) -> Step:
        """The step, as if it had said nothing of some attributes."""
        said = self.said
        values = {name: value for name, value in said.values.items() if name not in names}
        begun = {name: value for name, value in (said.begun or {}).items() if name not in names}
        return self if not names else Step(self.line, replace(said, values=values, begun=begun or None))

    def before(self, attribute: str) -> ValueSet:
        """What an attribute of the service was before the line."""
        sync, service = self.line.sync, self.said.service_id
        assert sync is not None, "a line with steps was synchronized"
        if self.said.begun is not None:
            return ValueSet()
        if service == sync.service_id:
            return sync.before.get(attribute, ValueSet())
        moved = (move.before for move in sync.implicit if (move.service_id, move.attribute) == (service, attribute))
        return next(moved, ValueSet())


class Moved(NamedTuple):
    """A service of the account was moved, long ago: a `Move`."""

    old: str | None
    new: str | None
    lineage: Lineage


class Place:
    """Where an account stands, whose profiles cover it and who pays for its services, turn by turn."""

    def __init__(self, account: Account, values: dict[str, dict[str, Value]]) -> None:
        self._account, self._values = account, values
        self.standing = Standing(account.parent_earlier if account.parent_since else made_by_no_line(account))
        self._is_commanded = not account.parent_since
        self.coverage = Coverage()
        self._payers, self._after = (Payers(lambda service: _said(values[service])) for _ in range(2))
        for service, held in values.items():
            for payers in (self._payers, self._after):
                _put(payers, service, _pay(held, account.account_id))

    def play(self, sequence: int, steps: Iterable[Step], gone: Iterable[Step]) -> None:
        """One command: the steps of lines that are there, and those of its lines that are not."""
        if sequence >= self._account.parent_since:  # a tree comes before the lines that bring it
            self.command()
        said = list(steps)
        in_tree = any(step.said.in_tree for step in said if step.said.account_id == self._account.account_id)
        done = list(_changes(self._values, said, self._account.account_id))
        for change, _ in done:
            if change.service_id not in self._payers.services:  # an assignment begins with prior values (PVL-4)
                _put(self._payers, change.service_id, change.old)
            _put(self._after, change.service_id, change.new)
        beside = list(_moved_with(done, gone, self._after))
        for change in beside:
            _put(self._after, change.service_id, change.new)
        self.follow([change for change, _ in done], self._after, in_tree=in_tree)
        moves = [Moved(_payer(change.old), _payer(change.new), lineage) for change, lineage in done]
        if in_tree:  # where it stands below is the tree's; it loses that with the tree, and gets no other (CRP-1)
            self.standing = Standing()
        else:
            places = placed(self.standing, self._after, self._account.account_id, moves)
            self.standing = next((found for found, _ in places), self.standing)
        for change in beside:
            _put(self._after, change.service_id, change.old)

    def command(self) -> None:
        """What a person or a tree said of the parent holds from now on; earlier lines move the account no more."""
        if not self._is_commanded:
            self.standing, self._is_commanded = Standing(made_by_no_line(self._account)), True

    def follow(self, changes: Iterable[Change], final: Payers, *, in_tree: bool) -> None:
        """Let profiles and payers follow changes. `final`: the payers after all of them; `in_tree`: see `LineStep`."""
        here = self._account.account_id
        at = Circumstances(here, self.standing.parent, lambda: in_tree, self._payers, final)
        for change in changes:
            self.coverage.follow(change, at)
            _put(self._payers, change.service_id, change.new)


class Past:
    """All that lines in force have said of an account's services.

    `held`: services that other lines of the command are about, as they are when the cancelled ones have gone. Where the
    steps that remain lead elsewhere, because something was left as it is (FLP-3, FLP-4), that is how it always was.
    """

    def __init__(self, work: Work, account: Account, held: Mapping[str, Holding | None]) -> None:
        self._work, self._account, self._held = work, account, held
        here = account.account_id
        on_it = {step.said.service_id for step in _steps(work, work.view.lines_on(here), SyncState.APPLIED)}
        services = dict.fromkeys((*sorted(on_it), *(found.service_id for found in work.view.assigned_to(here))))
        self._steps = {service: steps_about(work, service) for service in services if work.is_live(service)}

    def without(self, line_ids: Container[str]) -> Place:
        """Where the account would stand without some lines."""
        here = self._account.account_id
        values, steps = self._beginning(line_ids)
        place = Place(self._account, values)
        for sequence, turn in groupby(steps, key=lambda step: step.said.sequence):
            said = list(turn)
            gone = [step for step in said if step.line.line_id in line_ids and step.said.account_id == here]
            there = (step for step in said if step.line.line_id not in line_ids)
            place.play(sequence, there, chain(gone, self._taken_back(sequence)))
        place.command()
        return place

    def _taken_back(self, sequence: int) -> Iterator[Step]:
        """What lines said in a transaction that were taken back before."""
        here = self._account.account_id
        for step in _steps(self._work, self._work.view.lines_gone(here, sequence), SyncState.CANCELLED):
            if step.said.sequence == sequence and step.said.account_id == here:
                yield step

    def _beginning(self, without: Container[str]) -> tuple[dict[str, dict[str, Value]], list[Step]]:
        """What was there before the first step of each service, and all steps in their order."""
        values: dict[str, dict[str, Value]] = {}
        found: list[Step] = []
        for service, steps in self._steps.items():
            held = self._held[service] if service in self._held else self._work.holding(service)
            end = {name: value for step in steps if step.line.line_id not in without for name, value in step.sets()}
            first = {name: step for step in reversed(steps) for name, _ in step.sets()}
            left: set[str] = set()
            values[service] = {}
            for name in WHO_PAYS:
                now = ValueSet() if held is None else held.value(name)
                was = first[name].before(name) if name in first else now
                if end.get(name, was.value) != now.value:
                    was = now
                    left.add(name)
                values[service][name] = Value(was.value, was.set_by)
            found += (step.besides(left) for step in steps)
        return values, sorted(found, key=lambda step: step.turn)


def _moved_with(done: Sequence[tuple[Change, Lineage]], gone: Iterable[Step], after: Payers) -> Iterator[Change]:
    """What lines that have gone moved together with one that is in force.

    An account stays where such a move has put it, as long as one line of it is there (HIE-8).
    """
    pairs = {(_payer(change.old), _payer(change.new)): change.new for change, _ in done if change.old and change.new}
    if not pairs:
        return
    for step in gone:
        pay = after.services.get(step.said.service_id)
        moved = None if pay is None else pairs.get((pay.account, step.said.values.get(BILLING_ACCOUNT)))
        if pay is not None and moved is not None:
            yield Change(step.said.service_id, pay, moved)


def steps_about(work: Work, service_id: str) -> list[Step]:
    """What lines in force before the command have said of a service, in its order, since its assignment began."""
    known = work.steps.get(service_id)
    if known is None:
        lines = _steps(work, work.view.lines_about(service_id), SyncState.APPLIED)
        found = sorted((step for step in lines if step.said.service_id == service_id), key=lambda step: step.turn)
        began = max((place for place, step in enumerate(found) if step.said.begun is not None), default=0)
        known = work.steps[service_id] = found[began:]
    return known


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
        held.update({name: Value(value) for name, value in (step.said.begun or {}).items()})
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
