"""A synchronization under way: what it reads, what it has recorded so far, and everything that is wrong with it.

Events are recorded in a draft as they are decided, and handed over in the order that the rule book states (`Phase`).
Within a phase they stand as they were recorded, but for those that have reserved a place (`slot`); no entity is written
in two phases that could change places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from processors.acting import LIVE
from processors.synchronization.matrix import BILLING_ACCOUNT, BILLING_PROFILE, OWNER_ACCOUNT, SERVICE_ACCOUNT
from processors.view.rows.billing import marked
from schemas.billing_profiles import BillingProfile, LinkCause, ProfileState
from schemas.fields import Entity, Event
from schemas.lineage import (
    ImplicitMove,
    LineAction,
    Lineage,
    LineRef,
    LineStep,
    SetBy,
    Used,
    UseKind,
    ValueSet,
)
from schemas.order_lines import OrderLine
from schemas.orders import OnSuperseded, Order
from schemas.references import AccountRef
from schemas.refusals import Violation
from schemas.synchronization import Compensation, ImplicitMoves, KeptAttribute, OrderObjectKept, SkipReason

if TYPE_CHECKING:
    from processors.billing_profiles.whole import Change
    from processors.context import Context
    from processors.hierarchies.parents import Touch
    from processors.hierarchies.past import Step
    from processors.view.customer import CustomerView


class Phase(IntEnum):
    """Where events stand in the transaction (CRE-15; Events)."""

    ACCOUNTS = 0
    METHODS = 1
    PROFILES = 2
    NONPAYING = 3
    PARENTS = 4
    COLLECTIONS = 5
    ASSIGNMENTS = 6
    MOVES = 7
    UNDO_COLLECTIONS = 8
    UNDO_NONPAYING = 9
    UNDO_PARENTS = 10
    UNDO_PROFILES = 11
    UNDO_METHODS = 12
    UNDO_ACCOUNTS = 13
    ENDED = 14
    LINES = 15
    KEPT = 16
    DONE = 17


_CHECKED = (
    *("SYN-5", "SYN-6", "REV-13", "PVL-1", "PVL-1a", "PVL-2", "PVL-3", "PVL-4", "PVL-5", "PVL-6", "FLP-2", "FLP-4"),
    *("UND-5", "CRE-8", "CRE-8a", "CRE-16", "CRE-7", "CRE-7a", "CRE-9", "CRE-10", "CRE-10a", "CRE-11", "CRE-12"),
    *("CRE-13", "HIE-5", "HIE-6", "HIE-8a", "HIE-11", "CRP-3", "CRP-4", "SYS-1", "SYS-2", "PAY-3a"),
)
RANK = {rule: place for place, rule in enumerate(_CHECKED)}
"""In which order the rows are judged, line by line."""

BEFORE_ALL, AFTER_ALL = -1, 1_000_000
"""Places of violations that are about no line."""


class Holding(msgspec.Struct, frozen=True):
    """Who pays for a service, at some point of the synchronization."""

    product_id: str
    values: dict[str, str | None]
    set_by: dict[str, SetBy | None]
    known_before: bool = False
    """It began with prior values (PVL-4)."""

    def value(self, name: str) -> ValueSet:
        """The value of an attribute, and who has set it."""
        return ValueSet(value=self.values.get(name), set_by=self.set_by.get(name))

    def given(self, back: Mapping[str, ValueSet]) -> Holding:
        """The same with values that others had set."""
        return msgspec.structs.replace(
            self,
            values={**self.values, **{name: was.value for name, was in back.items()}},
            set_by={**self.set_by, **{name: was.set_by for name, was in back.items()}},
        )

    def changed(self, values: Mapping[str, str | None], by: Lineage) -> Holding:
        """The same with other values, set by a line."""
        return msgspec.structs.replace(
            self, values={**self.values, **values}, set_by={**self.set_by, **dict.fromkeys(values, by)}
        )


class Named(NamedTuple):
    """An account that a line names: the field, the reference, and the account that it means; null: none is known."""

    role: str
    ref: AccountRef
    account_id: str | None


class Task(msgspec.Struct, kw_only=True, eq=False):
    """What one line asks, and what became of it."""

    line: OrderLine
    place: int
    lineage: Lineage
    row: str | None = None
    compensation: Compensation | None = None
    original: LineAction = LineAction.NONE
    skipped: SkipReason | None = None
    untracked: tuple[str, ...] = ()
    asset: str = ""
    """Key of its billing assignment: the service's id, of a promotion the line's."""
    promotion: bool = False
    wanted: dict[str, str | None] = msgspec.field(default_factory=dict)
    """Tracked values that the line asks for."""
    applied: dict[str, str | None] = msgspec.field(default_factory=dict)
    before: dict[str, ValueSet] = msgspec.field(default_factory=dict)
    changed: tuple[str, ...] = ()
    prior: dict[str, str | None] = msgspec.field(default_factory=dict)
    kept: list[KeptAttribute] = msgspec.field(default_factory=list)
    implicit: list[ImplicitMove] = msgspec.field(default_factory=list)
    steps: tuple[LineStep, ...] = ()
    """What it has said before this command."""
    uses: list[Used] = msgspec.field(default_factory=list)
    created: list[Used] = msgspec.field(default_factory=list)
    takes_over: LineRef | None = None
    """The cancelled line whose assignment ends where this one begins."""
    begins: bool = False
    """The assignment begins with prior values (PVL-4)."""
    old: Holding | None = None
    new: Holding | None = None
    """The assignment before and after; `new` None: it ends."""
    also: dict[str, tuple[Holding, Holding | None]] = msgspec.field(default_factory=dict)
    """Other services whose payer changes with it (HIE-9), before and after; `None`: nobody has it any more."""
    cause: LinkCause = LinkCause.LINK
    turn: int = 0
    """When its turn came among the lines of the command: new assignments first."""
    ignored: bool = False
    stopped: bool = False
    """A violation ended the check of the line."""
    customer_account: str | None = None
    owner_account: str | None = None
    named: tuple[Named, ...] = ()
    """The accounts that it names, once they were looked up."""

    @property
    def ref(self) -> LineRef:
        """The line, as events name it."""
        return LineRef(order_id=self.line.order_id, line_id=self.line.line_id)

    @property
    def is_cancelled(self) -> bool:
        """Whether what the line has in force is taken back."""
        return self.row in ("REV-4", "REV-8", "REV-12")

    @property
    def is_processed(self) -> bool:
        """Whether the line asks for data to be there (LIN-1)."""
        return self.row in ("REV-1", "REV-3", "REV-5", "REV-7", "REV-9", "REV-11")

    def is_anew(self, service_id: str) -> bool:
        """Whether the line takes a service over from one that was never there (REV-16, INV-OBA-2)."""
        return self.takes_over is not None and service_id == self.asset

    def names(self) -> Iterator[str]:
        """Accounts and profiles that need the line's consent to go, marked as rows mark them (UND-2)."""
        values = [*self.applied.items(), *((name, before.value) for name, before in self.before.items())]
        values.append((SERVICE_ACCOUNT, self.customer_account))
        return (marked(name, value) for name, value in values if value is not None)

    def use(self, kind: UseKind, used_id: str) -> None:
        """Remember what it has named."""
        used = Used(kind=kind, id=used_id)
        if used not in self.uses:
            self.uses.append(used)


class Work:
    """The draft of one synchronization, its circumstances and its violations."""

    def __init__(
        self,
        view: CustomerView,
        order: Order,
        context: Context,
        *,
        on_superseded: OnSuperseded = OnSuperseded.REJECT,
        implicit_moves: ImplicitMoves = ImplicitMoves.REJECT,
        only_takes_back: bool = False,
    ) -> None:
        switches = context.catalog.switches
        self.view, self.order, self.context = view, order, context
        self.keeps_current = on_superseded is OnSuperseded.KEEP_CURRENT
        self.strict = switches.strict_vendor_behaviour
        self.moves_along = implicit_moves is ImplicitMoves.ALLOW or self.strict
        self.only_takes_back = only_takes_back
        """A cancelled order: nothing but what has been overtaken or closed can refuse it (REV-18)."""
        self.split_payer = switches.split_payer
        tracked = (SERVICE_ACCOUNT, BILLING_ACCOUNT, BILLING_PROFILE)
        self.tracked = (*tracked, OWNER_ACCOUNT) if switches.legal_hierarchy_sync else tracked
        self.sequence = view.next_sequence()
        self.place = BEFORE_ALL
        self.touched: dict[str, list[Touch]] = {}
        """Accounts whose parents are to be looked at when all lines are done, and what the lines did there."""
        self.in_trees: set[str] = set()
        """Accounts that were touched, but whose parents a corporate tree decides (CRP-5)."""
        self.steps: dict[str, list[Step]] = {}
        """What lines in force have said of services, as far as it was asked for."""
        self.made: set[str] = set()
        """Accounts that the command has made: nothing is on them but what it puts there."""
        self.changes: dict[str, list[Change]] = {}
        """Who pays for services of an account, as the lines of this command that ask for it change it."""
        self.moved_accounts: dict[str, int] = {}
        """Accounts with another parent, and the place of the line that moved them first."""
        self.let_go: dict[Used, Task] = {}
        """What an account or a service needs no more because a line is cancelled, named by that line or not."""
        self.kept: list[OrderObjectKept] = []
        """Objects that outlive a cancelled line."""
        self.cancelled_lines: set[str] = set()
        """Lines that hold nothing any more, though their own events come last."""
        self.naming: dict[str, list[LineRef]] = {}
        """What lines of this command name, marked as rows mark it: their own events come last too."""
        self.ended: dict[str, tuple[LineRef, Holding]] = {}
        """Assignments that end, by asset: with which line, and as they were."""
        self.pending: dict[str, Holding | None] = {}
        self.planned: dict[str, Task] = {}
        """Lines that were planned so far."""
        self._nonpaying: dict[str, tuple[BillingProfile, ...]] = {}
        self._events: list[tuple[Phase, int, Event]] = []
        self._slots = 0
        self._violations: list[tuple[int, int, int, Violation]] = []

    @cached_property
    def services(self) -> frozenset[str | None]:
        """Every service that a line of the order is about, in this command or not. To be asked when all are planned."""
        known = (line.service_id for line in self.view.lines(self.order.order_id))
        return frozenset((*known, *(task.asset for task in self.planned.values())))

    # -- assignments, as the lines before this one leave them

    def new_id(self, kind: str, *parts: str) -> str:
        """A derived id that no entity of a kind has: what was closed keeps its own (LEG-4)."""
        found = self.context.derived_id(*parts)
        again = 1
        while self.view.entity(kind, found) is not None:
            again += 1
            found = self.context.derived_id(*parts, again)
        return found

    def holding(self, asset: str) -> Holding | None:
        """Who pays for a service once the lines that were looked at so far are done."""
        if asset in self.pending:
            return self.pending[asset]
        found = self.view.assignment(asset)
        return None if found is None else Holding(found.product_id, found.values, found.set_by, found.known_before)

    def nonpaying(self, account_id: str) -> tuple[BillingProfile, ...]:
        """An account's profiles that others pay for it, by id, as the lines before this one leave them."""
        found = self._nonpaying.get(account_id)
        if found is None:
            found = () if account_id in self.made else self.view.nonpaying_profiles(account_id)
            self._nonpaying[account_id] = found
        return found

    def is_live(self, service_id: str) -> bool:
        """Whether a service with an assignment is live: on no subscription yet, or in no terminal state there."""
        service = self.view.service(service_id)
        return service is None or service.state in LIVE

    # -- events

    def slot(self) -> int:
        """A place among the events of a phase, for what is decided later."""
        self._slots += 1
        return self._slots

    def record(self, phase: Phase, *events: Event, slot: int | None = None) -> Entity | None:
        """Record events in the draft. Answers the entity after the last one."""
        after = None
        for event in events:
            after = self.view.record(event)
            self._events.append((phase, self.slot() if slot is None else slot, event))
            if isinstance(after, BillingProfile):
                self._show(after)
        return after

    def _show(self, profile: BillingProfile) -> None:
        known = self._nonpaying.get(profile.account_id)
        if known is not None and not profile.paying:
            others = [found for found in known if found.billing_profile_id != profile.billing_profile_id]
            mine = [] if profile.state is ProfileState.CLOSED else [profile]
            self._nonpaying[profile.account_id] = tuple(
                sorted((*others, *mine), key=lambda found: found.billing_profile_id)
            )

    def taken_over(self, phase: Phase, events: Iterable[Event]) -> None:
        """Note events that were recorded in the draft elsewhere."""
        for event in events:
            self._events.append((phase, self.slot(), event))

    def has_events(self) -> bool:
        """Whether anything happens at all."""
        return bool(self._events)

    def events(self) -> tuple[Event, ...]:
        """Everything that happens, in the order of the phases."""
        return tuple(event for _, _, event in sorted(self._events, key=lambda entry: entry[:2]))

    # -- violations

    def refuse(self, place: int, violation: Violation, row: str | None = None) -> None:
        """Note a broken rule at the place of its line. `row`: the row that says it, where its code is another's."""
        rank = RANK.get(row or violation.rule, len(RANK))
        self._violations.append((place, rank, len(self._violations), violation))

    def violations(self) -> tuple[Violation, ...]:
        """Everything that is wrong, line by line, row by row."""
        return tuple(found for *_, found in sorted(self._violations, key=lambda entry: entry[:3]))
