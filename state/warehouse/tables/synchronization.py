"""Synchronization of customer data with orders: rows of the revision matrix, and objects that came and went."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
    OCCURRED,
    ORIGIN,
    PERFORMED_BY,
    POSITION,
    SEQUENCE,
    SOURCE,
    Table,
    View,
    count,
    day,
    flag,
    json,
    moment,
    text,
    whole,
)

_EVENT = (*ORIGIN, CUSTOMER, SEQUENCE, POSITION)
_ROW = text("matrix_row", "Row of the revision matrix, REV-1 to REV-12; null where it asks nothing", required=False)
_COMPENSATION = text("compensation_action", "ADD, UPDATE, MOVE_ADD, DELETE or NONE; what was done", required=False)
_SKIPPED = text("skip_reason", "ACTION_NOT_SYNCED, TYPE_NOT_SYNCED or NO_CHANGE, if so", required=False)

FACT_LINE_SYNC = Table(
    "fact_order_line_sync",
    "One row per line that a synchronization, or a cancellation, looked at and that asked for anything new.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        text("order_id", "Order"),
        text("line_id", "Line, unique within the customer"),
        count("revision", "Revision of the order"),
        _ROW,
        text("original_action", "Action of the line when it was first synchronized", required=False),
        _COMPENSATION,
        text("service_id", "The service; null for a promotion, and for what was skipped", required=False),
        json("changed_attributes", "List of the attributes that changed"),
        json("prior_values", "Map of the attributes that changed, to their values before"),
        json("new_values", "Map of all tracked attributes, to their values now"),
        json("kept", "List of {attribute, by}: attributes that were left as they are, and the line that holds them"),
        count("kept_count", "How many these are"),
        flag("ignored", "A cancelled ADD that changes nothing, as the vendor has it"),
        _SKIPPED,
        json("untracked_changes", "List of the attributes that changed but are not tracked"),
        text("sync_state", "APPLIED, or CANCELLED: taken back; null for what was skipped", required=False),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)

FACT_ORDER_OBJECT = Table(
    "fact_order_object",
    "One row each time that an account, billing profile or payment method came, stayed or went because of an order.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        text("kind", "ACCOUNT, BILLING_PROFILE or PAYMENT_METHOD"),
        text("object_id", "Its id"),
        text("order_id", "Order; null where it followed something else", required=False),
        text("line_id", "Line that made it, or whose end it is about", required=False),
        text("happened", "CREATED, KEPT, CLOSED or REOPENED"),
        text("reason", "KEPT: what needs it; CLOSED and REOPENED: the cause, if one is told", required=False),
        text("needed_by_order_id", "KEPT: order of the line that needs it, if one does", required=False),
        text("needed_by_line_id", "KEPT: line that needs it, if one does", required=False),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)

FACT_ACCOUNT_SYNCHRONIZATION = View(
    "fact_account_synchronization",
    "The same as fact_order_line_sync, under the other name that is in use for it.",
    FACT_LINE_SYNC.columns[2:],
    """
    SELECT customer_id, sequence, position, order_id, line_id, revision, matrix_row, original_action,
           compensation_action, service_id, changed_attributes, prior_values, new_values, kept, kept_count, ignored,
           skip_reason, untracked_changes, sync_state, occurred_at, source, performed_by
    FROM fact_order_line_sync
    """,
)

ROWS_BY_DAY = View(
    "synchronization_rows_by_day",
    "How many lines met which row of the revision matrix, by day (UTC), and what became of them.",
    (
        day("day", "Day, UTC"),
        _ROW,
        _COMPENSATION,
        _SKIPPED,
        whole("lines", "Lines"),
        whole("orders", "Orders that they are of"),
        whole("without_change", "Lines of which no attribute changed"),
        whole("with_kept", "Lines of which an attribute was left as it is, because a later line holds it"),
        whole("ignored", "Lines that changed nothing, as the vendor has it"),
    ),
    """
    SELECT CAST(date_trunc('day', occurred_at) AS DATE), matrix_row, compensation_action, skip_reason, count(*),
           count(DISTINCT (customer_id, order_id)), count(*) FILTER (WHERE changed_attributes = '[]'),
           count(*) FILTER (WHERE kept_count > 0), count(*) FILTER (WHERE ignored)
    FROM fact_order_line_sync
    GROUP BY 1, 2, 3, 4
    """,
)

BY_ROW = View(
    "synchronization_by_row",
    "Each row of the revision matrix that was met, over all time.",
    (
        text("matrix_row", "Row of the revision matrix, REV-1 to REV-12"),
        text("original_action", "Action of the line when it was first synchronized", required=False),
        *ROWS_BY_DAY.columns[4:],
        moment("first_at", "When it was met first"),
        moment("last_at", "When it was met last"),
    ),
    """
    SELECT matrix_row, original_action, count(*), count(DISTINCT (customer_id, order_id)),
           count(*) FILTER (WHERE changed_attributes = '[]'), count(*) FILTER (WHERE kept_count > 0),
           count(*) FILTER (WHERE ignored), min(occurred_at), max(occurred_at)
    FROM fact_order_line_sync
    WHERE matrix_row IS NOT NULL
    GROUP BY 1, 2
    """,
)

REFUSALS = View(
    "synchronization_refusals_by_code",
    "How often each rule refused a synchronization, a payment or its reversal, by day (UTC). Repeats and previews "
    "are not counted.",
    (
        day("day", "Day of the decision, UTC"),
        text("command_type", "Name of the command"),
        text("code", "Refusal code"),
        text("rule", "Rule that was broken"),
        whole("commands", "Commands that broke it"),
        whole("violations", "How often they did: once per line, attribute or account"),
    ),
    """
    SELECT CAST(date_trunc('day', decided_at) AS DATE), command_type, code, rule,
           count(DISTINCT (customer_id, command_id)), count(*)
    FROM log_order_refusal
    WHERE command_type IN ('SynchronizeOrderBillingAccounts', 'RecordOrderPayment', 'ReverseOrderPayment')
    GROUP BY 1, 2, 3, 4
    """,
)

OBJECTS_BY_DAY = View(
    "order_objects_by_day",
    "What orders made, and which orphans were closed, by day (UTC) and kind. An orphan is an object that only "
    "cancelled lines needed.",
    (
        day("day", "Day, UTC"),
        text("kind", "ACCOUNT, BILLING_PROFILE or PAYMENT_METHOD"),
        whole("created", "Objects that came"),
        whole("orphans_closed", "Objects that went with the last line that needed them"),
        whole("otherwise_closed", "Nonpaying profiles without services or without their payer"),
        whole("reopened", "Objects that were used after all"),
        whole("kept", "Objects that stayed when a line was cancelled, because something needs them"),
    ),
    """
    SELECT CAST(date_trunc('day', occurred_at) AS DATE), kind, count(*) FILTER (WHERE happened = 'CREATED'),
           count(*) FILTER (WHERE happened = 'CLOSED' AND orphan),
           count(*) FILTER (WHERE happened = 'CLOSED' AND NOT orphan),
           count(*) FILTER (WHERE happened = 'REOPENED'), count(*) FILTER (WHERE happened = 'KEPT')
    FROM (
        SELECT occurred_at, kind, happened, coalesce(reason, 'ORDER_LINE_CANCELLED') = 'ORDER_LINE_CANCELLED' AS orphan
        FROM fact_order_object
    ) AS told
    GROUP BY 1, 2
    """,
)

TABLES = (FACT_LINE_SYNC, FACT_ORDER_OBJECT)
VIEWS = (FACT_ACCOUNT_SYNCHRONIZATION, ROWS_BY_DAY, BY_ROW, REFUSALS, OBJECTS_BY_DAY)
