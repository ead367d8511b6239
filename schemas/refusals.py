"""The closed, ordered list of refusal codes, and how a violation is written down."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.fields import Word, doc


class Code(StrEnum):
    """Every reason to refuse. In order of precedence: first what every command may meet, then domain by domain.

    A code is never renamed or reused; new ones are added at the end of their block.
    """

    # every command, each judged alone
    MALFORMED = "MALFORMED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    PII_NOT_SEALED = "PII_NOT_SEALED"
    PAN_NOT_ACCEPTED = "PAN_NOT_ACCEPTED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    CUSTOMER_ERASED = "CUSTOMER_ERASED"
    # accounts
    ACCOUNT_PROFILE_UNKNOWN = "ACCOUNT_PROFILE_UNKNOWN"
    ACCOUNT_TYPE_UNKNOWN = "ACCOUNT_TYPE_UNKNOWN"
    SEGMENT_UNKNOWN = "SEGMENT_UNKNOWN"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    BILL_CYCLE_REQUIRED = "BILL_CYCLE_REQUIRED"
    STATE_REASON_UNKNOWN = "STATE_REASON_UNKNOWN"
    INITIAL_STATE_INVALID = "INITIAL_STATE_INVALID"
    ACCOUNT_ID_TAKEN = "ACCOUNT_ID_TAKEN"
    EXTERNAL_ID_TAKEN = "EXTERNAL_ID_TAKEN"
    PARENT_UNKNOWN = "PARENT_UNKNOWN"
    PARENT_DEACTIVATED = "PARENT_DEACTIVATED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    ACCOUNT_DEACTIVATED = "ACCOUNT_DEACTIVATED"
    HIERARCHY_CYCLE = "HIERARCHY_CYCLE"
    EMPTY_UPDATE = "EMPTY_UPDATE"
    STATE_TRANSITION_INVALID = "STATE_TRANSITION_INVALID"
    STATE_CONFLICT = "STATE_CONFLICT"
    VALID_FROM_IN_PAST = "VALID_FROM_IN_PAST"
    HAS_PAID_CHILDREN = "HAS_PAID_CHILDREN"
    HAS_LIVE_SUBSCRIPTIONS = "HAS_LIVE_SUBSCRIPTIONS"
    NO_PLANNED_STATE_CHANGE = "NO_PLANNED_STATE_CHANGE"
    CHANGE_CONFLICT = "CHANGE_CONFLICT"
    CUSTOMER_ACTIVE = "CUSTOMER_ACTIVE"
    ERASURE_NOT_AVAILABLE = "ERASURE_NOT_AVAILABLE"
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN"
    TIME_ZONE_FIXED = "TIME_ZONE_FIXED"
    # bill cycles
    BILL_CYCLE_UNKNOWN = "BILL_CYCLE_UNKNOWN"
    BILL_CYCLE_DEFINITION_CHANGED = "BILL_CYCLE_DEFINITION_CHANGED"
    BILLING_DAY_NOT_APPLICABLE = "BILLING_DAY_NOT_APPLICABLE"
    BILLING_DAY_OUT_OF_RANGE = "BILLING_DAY_OUT_OF_RANGE"
    BILLING_DAY_REQUIRED = "BILLING_DAY_REQUIRED"
    VALID_FROM_TOO_FAR = "VALID_FROM_TOO_FAR"
    NO_PLANNED_CHANGE = "NO_PLANNED_CHANGE"
    # catalog versions, said when one is loaded
    COMPOSITION_NOT_ALLOWED = "COMPOSITION_NOT_ALLOWED"
    COMPOSITION_ROW_SELECTOR = "COMPOSITION_ROW_SELECTOR"
    SELECTOR_NOT_APPLICABLE = "SELECTOR_NOT_APPLICABLE"
    FIELD_NOT_APPLICABLE = "FIELD_NOT_APPLICABLE"
    COMPOSITION_RANGE = "COMPOSITION_RANGE"
    ROW_CHANGED_IN_PLACE = "ROW_CHANGED_IN_PLACE"
    ROW_NOT_FOUND = "ROW_NOT_FOUND"
    DEFINITION_ALREADY_ACTIVE = "DEFINITION_ALREADY_ACTIVE"


class Violation(Word, frozen=True, kw_only=True):
    """One broken rule."""

    code: Annotated[str, doc("Stable refusal code, from the closed list")]
    rule: Annotated[str, doc("Id of the rule that was broken")]
    path: Annotated[str | None, doc("Path of the field at fault in the command's body, dotted")] = None
    carries: Annotated[dict[str, str | None], doc("Values involved, as canonical text: lists and maps as JSON")] = (
        msgspec.field(default_factory=dict)
    )


def as_text(value: object) -> str | None:
    """Bring a carried value to its canonical text.

    Moments are ISO 8601 in UTC, dates ISO 8601, decimals plain, lists and maps compact JSON; null stays null.
    """
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case str():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case int():
            return str(value)
        case _:
            return json.dumps(
                msgspec.to_builtins(value, order="deterministic"), separators=(",", ":"), ensure_ascii=False
            )


def violation(code: Code, rule: str, path: str | None = None, **carries: object) -> Violation:
    """Write down one broken rule with the values involved."""
    return Violation(code=code, rule=rule, path=path, carries={name: as_text(value) for name, value in carries.items()})
