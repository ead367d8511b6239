"""An order line as it stands: its defaults, what may be set on it, and what another version of it would change.

A line comes from a command as `Line`, with gaps. `new_line` and `altered` fill the gaps, the same way wherever the line
comes from. A modification is laid over the line as it stands (`as_given`): what it does not name stays, defaults that
were filled in before too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from processors.context import Context
from processors.references import find_account
from processors.view.customer import CustomerView
from schemas.amounts import as_stored
from schemas.catalog import Product
from schemas.lineage import LineAction
from schemas.order_lines import (
    PROMOTION,
    Feature,
    Line,
    LineChange,
    LineProvisioning,
    LineServiceAction,
    LineState,
    OrderLine,
    PriorValues,
)
from schemas.references import AccountRef

LIVE = (LineState.PENDING, LineState.IN_GROUP)
"""States in which a line may still be changed, billed or cancelled."""

SETTABLE: tuple[str, ...] = LineChange.__struct_fields__
"""What ModifyOrderLine may set, in the order of the line's fields."""

CUSTOMER_DATA = (
    "action",
    "service_account",
    "billing_account",
    "customer_account",
    "owner_account",
    "billing_profile",
    "billing_system",
    "prior_values",
)
"""What a synchronization acts on; once it has, only a revision may change it (LCK-5)."""

_UNFROZEN = tuple(field for field in SETTABLE if field not in CUSTOMER_DATA)

_GIVEN = tuple(field for field in Line.__struct_fields__ if field != "line_id")
"""What a command says of a line, in the order of its fields."""

_ACCOUNTS = frozenset(("service_account", "billing_account", "customer_account", "owner_account"))

_IMPLEMENTED = frozenset(
    ("product_id", "features", "service_item", "service_id", "service_account", "service_action"),
)
"""What provisioning implements: if one of these changes, it starts again (PVC-5)."""

_FOUND_LATER = (LineAction.UPDATE, LineAction.MOVE_ADD)
"""Customer data actions whose service is found or derived by the synchronization only."""

_replace = msgspec.structs.replace


class Altered(NamedTuple):
    """A line and what a command would make of it."""

    before: OrderLine
    after: OrderLine
    fields: tuple[str, ...]
    """Fields that differ, in their order; empty: nothing would change."""


def new_line(  # the place of a new line is its order, its id and its revision
    view: CustomerView, given: Line, *, order_id: str, line_id: str, revision: int, context: Context
) -> OrderLine:
    """A line that an order does not have yet, PENDING (ORD-2)."""
    values = _filled(view, given, line_id, context)
    values["features"] = identified(given.features, line_id, context)
    line = OrderLine(
        order_id=order_id,
        line_id=line_id,
        **values,
        provisioning=_provisioning(context.catalog.product(given.product_id)),
        customer_data_revision=revision,
        added_in_revision=revision,
    )
    return with_editable(line)


def in_group(line: OrderLine, group_id: str) -> OrderLine:
    """A line that comes to a split order."""
    return _replace(line, group_id=group_id, state=LineState.IN_GROUP)


def altered(view: CustomerView, line: OrderLine, given: Line, revision: int, context: Context) -> Altered:
    """A line as a command gives it anew."""
    values = _filled(view, given, line.line_id, context)
    values["features"] = identified(given.features, line.line_id, context, known=line.features)
    fields = tuple(field for field in _GIVEN if _differs(view, field, getattr(line, field), values[field]))
    if not fields:
        return Altered(line, line, ())
    after = _replace(line, version=line.version + 1, **{field: values[field] for field in fields})
    if not _IMPLEMENTED.isdisjoint(fields):
        after = _replace(after, provisioning=_provisioning(context.catalog.product(after.product_id)))
    if not set(CUSTOMER_DATA).isdisjoint(fields):
        after = _replace(after, customer_data_revision=revision)
    return Altered(line, after, fields)


def said_again(line: OrderLine, given: Line) -> Line:
    """A line as a revision gives it: an action that is left out stays, and so does the new service of an ADD."""
    if given.action is None:
        given = _replace(given, action=line.action)
    if given.service_id is None and given.service_action is line.service_action is LineServiceAction.ADD:
        given = _replace(given, service_id=line.service_id)
    return given


def as_given(line: OrderLine, context: Context) -> Line:
    """A line as a command would give it. The catalog's type of its product is left out, so it follows the product.

    Item and accounts were defaults once too, but stay as they are: a change of one field must not move a payer unseen.
    """
    product = context.catalog.product(line.product_id)
    own = {field: getattr(line, field) for field in _GIVEN}
    if product is not None and line.product_type == product.product_type:
        own["product_type"] = None
    return Line(**own)


def with_editable(line: OrderLine) -> OrderLine:
    """The line with `editable` and `editable_fields` as its state and its synchronization leave them (INV-ORD-5).

    An order that is locked as a whole has no live line, so a line need not ask its order.
    """
    editable = line.state in LIVE
    fields = (SETTABLE if line.synchronized_revision is None else _UNFROZEN) if editable else ()
    return _replace(line, editable=editable, editable_fields=fields)


def identified(
    features: Sequence[Feature], line_id: str, context: Context, known: Iterable[Feature] = ()
) -> tuple[Feature, ...]:
    """Features with their ids. One that gives none is the known one that says the same, else it gets a derived id."""
    named = {feature.feature_id for feature in features}
    spare: dict[Feature, list[Feature]] = {}
    for feature in known:
        if feature.feature_id not in named:
            spare.setdefault(_replace(feature, feature_id=None), []).append(feature)
    found = []
    for number, feature in enumerate(features):
        if feature.feature_id is not None:
            found.append(feature)
        elif spare.get(feature):
            found.append(spare[feature].pop(0))
        else:
            found.append(_replace(feature, feature_id=context.derived_id("feature", line_id, number)))
    return tuple(found)


def resolved(view: CustomerView, ref: AccountRef) -> AccountRef:
    """The reference by account_id where the account exists, else as it was given."""
    account = find_account(view, ref)
    return ref if account is None else AccountRef(account_id=account.account_id)


def is_service(line: OrderLine, context: Context) -> bool:
    """Whether a line is about a service: a promotion or a physical good is locked like others, and changes none."""
    product = context.catalog.product(line.product_id)
    return line.product_type != PROMOTION and (product is None or product.is_service)


def _filled(view: CustomerView, given: Line, line_id: str, context: Context) -> dict[str, Any]:
    """What a line says, gaps filled with their defaults, accounts by their ids where they are known."""
    product = context.catalog.product(given.product_id)
    values = {field: getattr(given, field) for field in _GIVEN}
    values["action"] = given.action or LineAction.NONE
    values["service_item"] = given.service_item or given.product_id
    values["attributes"] = given.attributes or {}
    values["amount"] = None if given.amount is None else as_stored(given.amount)
    if given.product_type is None:
        values["product_type"] = None if product is None else product.product_type
    for account in ("billing_account", "customer_account"):
        values[account] = values[account] or given.service_account
    for account in _ACCOUNTS:
        values[account] = values[account] and resolved(view, values[account])
    if given.service_id is None and _has_own_service(given):
        values["service_id"] = context.derived_id("service", line_id)
    values["prior_values"] = given.prior_values and _resolved_priors(view, given.prior_values)
    return values


def _resolved_priors(view: CustomerView, priors: PriorValues) -> PriorValues:
    given = {field: getattr(priors, field) for field in _ACCOUNTS}
    return _replace(
        priors, **{field: resolved(view, ref) for field, ref in given.items() if isinstance(ref, AccountRef)}
    )


def _differs(view: CustomerView, field: str, old: Any, new: Any) -> bool:
    """Whether two values of a field are not the same; accounts are compared as those that they name."""
    if field == "features":
        return len(old) != len(new) or set(old) != set(new)  # one that stands there twice is no set, but a mistake
    if old is None or new is None or old == new:
        return bool(old != new)
    if field in _ACCOUNTS:
        return resolved(view, old) != resolved(view, new)
    if field == "prior_values":
        return _resolved_priors(view, old) != _resolved_priors(view, new)
    return True


def _has_own_service(given: Line) -> bool:
    return given.service_action is LineServiceAction.ADD and given.action not in _FOUND_LATER


def _provisioning(product: Product | None) -> LineProvisioning:
    has_provider = product is not None and product.provider is not None
    return LineProvisioning.AWAITED if has_provider else LineProvisioning.NOT_REQUIRED
