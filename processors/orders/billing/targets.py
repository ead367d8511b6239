"""Where the lines of an update land: the service and the subscription of each (BSU-10, BSU-20, BSU-21, CPO-4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from processors.acting import LIVE
from processors.context import Context
from processors.orders.billed_services import found_by, originals, superseded
from processors.orders.lines import is_service
from processors.references import find_account
from processors.view.customer import CustomerView
from schemas.accounts import Account
from schemas.order_lines import FeatureAction, LineServiceAction, OrderLine
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import SubscriptionKind

ADD = LineServiceAction.ADD


class NewSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that an update has to make first; all lines that look for it share it."""

    subscription_id: str
    account_id: str
    kind: SubscriptionKind
    subscription_type: str = "DEFAULT"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A line and what it acts on."""

    line: OrderLine
    account: Account
    service_id: str
    subscription_id: str
    made: NewSubscription | None = None
    """Set where the subscription is not there yet."""
    undoes: OrderLine | None = None
    """The billed line that this one undoes, in a compensating order."""


def targets(view: CustomerView, lines: Sequence[OrderLine], context: Context) -> tuple[list[Violation], list[Target]]:
    """Judge each line about a service, whose accounts are there; those that stand in their order.

    Rows in their order, each for all lines. Only a line whose work was superseded is not judged by later rows (CPO-4);
    one that stands nowhere has no target, but its service may still be named twice.
    """
    undone = originals(view, lines[0].order_id) if lines else {}
    wanted = [(line, _account(view, line)) for line in lines if _acts(line, undone.get(line.line_id), context)]
    violations: list[Violation] = []
    found: dict[str, Target] = {}
    for line, account in wanted:
        if line.service_action is ADD:
            _settle(found, violations, line, _of_new(view, line, account, undone, context))
    violations.sort(key=lambda broken: _SUBSCRIPTION_CODES.index(broken.code))
    for line, account in wanted:
        if line.service_action is not ADD:
            _settle(found, violations, line, _of_existing(view, line, account, undone))
    outdone = {
        line.line_id: broken
        for line, _ in wanted
        if line.line_id in undone and (broken := superseded(view, undone[line.line_id])) is not None
    }
    violations += outdone.values()
    judged = [line for line, _ in wanted if line.line_id not in outdone]
    violations += _named_twice(view, judged, context)
    taken = list(_taken(view, judged, context))
    violations += taken
    out = {broken.carries["line_id"] for broken in taken}
    standing = [found[line.line_id] for line in judged if line.line_id in found]
    return violations, [target for target in _once(standing) if target.line.line_id not in out]


def _settle(found: dict[str, Target], violations: list[Violation], line: OrderLine, judged: Target | Violation) -> None:
    if isinstance(judged, Violation):
        violations.append(judged)
    else:
        found[line.line_id] = judged


def _acts(line: OrderLine, undoes: OrderLine | None, context: Context) -> bool:
    """Whether a line is about a service; one that undoes another does what that one did, whatever products are now."""
    if undoes is None:
        return is_service(line, context)
    return undoes.billed is not None and bool(undoes.billed.services)


def _account(view: CustomerView, line: OrderLine) -> Account:
    account = find_account(view, line.service_account)
    assert account is not None, "RVN-9 has seen to it"
    return account


# -- services that are there (BSU-10)


def _of_existing(
    view: CustomerView, line: OrderLine, account: Account, undone: dict[str, OrderLine]
) -> Target | Violation:
    service_id = line.service_id  # None only where the product was no service product yet when it was ordered
    service = None if service_id is None else view.service(service_id)
    subscription = None if service is None else view.subscription(service.subscription_id)
    if (
        service is None
        or subscription is None
        or subscription.account_id != account.account_id
        or service.bundle_service_id is not None
        or service.state not in LIVE
    ):
        return _about(
            line,
            Code.SERVICE_NOT_ON_ACCOUNT,
            "BSU-10",
            service_id=line.service_id,
            account_id=account.account_id,
            state=None if service is None else service.state,
        )
    return Target(
        line=line,
        account=account,
        service_id=service.service_id,
        subscription_id=service.subscription_id,
        undoes=undone.get(line.line_id),
    )


# -- services that are to come (BSU-20)

_SUBSCRIPTION_CODES: list[str] = [
    Code.SUBSCRIPTION_UNKNOWN,
    Code.SUBSCRIPTION_NOT_ON_ACCOUNT,
    Code.SUBSCRIPTION_AMBIGUOUS,
]


def _of_new(
    view: CustomerView, line: OrderLine, account: Account, undone: dict[str, OrderLine], context: Context
) -> Target | Violation:
    undoes = undone.get(line.line_id)
    found = _subscription(view, line, account, context) if undoes is None else _returned_to(view, undoes, context)
    if isinstance(found, Violation):
        return found
    return Target(
        line=line,
        account=account,
        service_id=_new_service_id(line, context),
        subscription_id=found if isinstance(found, str) else found.subscription_id,
        made=None if isinstance(found, str) else found,
        undoes=undoes,
    )


def _subscription(
    view: CustomerView, line: OrderLine, account: Account, context: Context
) -> str | NewSubscription | Violation:
    """The one that is named, else the only live one that fits, else a new one."""
    if line.subscription_id is not None:
        named = view.subscription(line.subscription_id)
        if named is None:
            return _about(line, Code.SUBSCRIPTION_UNKNOWN, "BSU-20", subscription_id=line.subscription_id)
        if named.account_id != account.account_id:
            return _about(
                line,
                Code.SUBSCRIPTION_NOT_ON_ACCOUNT,
                "BSU-20",
                subscription_id=line.subscription_id,
                account_id=account.account_id,
            )
        return named.subscription_id
    kind = line.subscription_kind
    live = [one.subscription_id for one in view.subscriptions_of(account.account_id) if kind in (None, one.kind)]
    if len(live) > 1:
        return _about(
            line,
            Code.SUBSCRIPTION_AMBIGUOUS,
            "BSU-20",
            subscription_ids=live,
            account_id=account.account_id,
        )
    return live[0] if live else _new(account.account_id, kind or SubscriptionKind.POSTPAID, context)


def _returned_to(view: CustomerView, original: OrderLine, context: Context) -> str | NewSubscription:
    """What was disconnected returns to its subscription; if that has ended too, to a new one of its kind (CPO-5)."""
    ended = found_by(original)
    subscription = None if ended is None else view.subscription(ended.subscription_id)
    assert subscription is not None, "a disconnected service was on a subscription"
    if subscription.state in LIVE:
        return subscription.subscription_id
    return _new(subscription.account_id, subscription.kind, context, subscription.subscription_type)


def _new(
    account_id: str, kind: SubscriptionKind, context: Context, subscription_type: str = "DEFAULT"
) -> NewSubscription:
    return NewSubscription(
        subscription_id=context.derived_id("subscription", account_id, kind, subscription_type),
        account_id=account_id,
        kind=kind,
        subscription_type=subscription_type,
    )


# -- one service, one line (BSU-21)


def _new_service_id(line: OrderLine, context: Context) -> str:
    return line.service_id or context.derived_id("service", line.line_id)


def _named_twice(view: CustomerView, lines: Sequence[OrderLine], context: Context) -> Iterator[Violation]:
    """Services that several lines would make, or act on, whether they are there or not.

    One that is to be made is no other line's: it is not there yet (BSU-10).
    """
    by_service: dict[tuple[str, bool], list[OrderLine]] = {}
    for line in lines:
        is_new = line.service_action is ADD
        service_id = _new_service_id(line, context) if is_new else line.service_id
        if service_id is not None:
            is_to_come = is_new and view.service(service_id) is None
            by_service.setdefault((service_id, is_to_come), []).append(line)
    for (service_id, _), named in by_service.items():
        if len(named) > 1:
            yield violation(
                Code.SERVICE_NAMED_TWICE,
                "BSU-21",
                order_id=named[0].order_id,
                service_id=service_id,
                line_ids=[line.line_id for line in named],
            )


def _once(standing: Sequence[Target]) -> list[Target]:
    """The first line of each service; of what the others would do nothing is known."""
    first: dict[str, Target] = {}
    for target in standing:
        first.setdefault(target.service_id, target)
    return list(first.values())


def _taken(view: CustomerView, lines: Sequence[OrderLine], context: Context) -> Iterator[Violation]:
    """Ids of new services, and of new components, that the customer has had before; or that two lines give."""
    added = {line.line_id: _new_service_id(line, context) for line in lines if line.service_action is ADD}
    given = set(added.values())
    for line in lines:
        if line.line_id in added and view.service(added[line.line_id]) is not None:
            yield _about(line, Code.ID_TAKEN, "BSU-21", field="service_id", id=added[line.line_id])
        for feature in line.features:
            if feature.service_action is not FeatureAction.ADD or feature.service_id is None:
                continue
            if feature.service_id in given or view.service(feature.service_id) is not None:
                yield _about(line, Code.ID_TAKEN, "BSU-21", field="service_id", id=feature.service_id)
            given.add(feature.service_id)


def _about(line: OrderLine, code: Code, rule: str, **carries: object) -> Violation:
    return violation(code, rule, None, order_id=line.order_id, line_id=line.line_id, **carries)
