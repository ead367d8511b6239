"""Order lines: their versions and every step, from submission to the lock; how long it takes, and what waits."""

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
    amount,
    count,
    day,
    flag,
    fraction,
    json,
    moment,
    text,
    whole,
)
from state.warehouse.tables.dimensions import VALID_FROM

_ORDER = text("order_id", "Order")
_LINE = text("line_id", "Line, unique within the customer")
_PRODUCT = text("product", "Product that is ordered")
_WHAT = (
    text("action", "What happens to customer data: ADD, UPDATE, MOVE_ADD, DELETE or NONE"),
    text("service_action", "What the update does: ADD, CHANGE, DISCONNECT, SUSPEND or RESTORE"),
    text("service_catalog", "Service type, for instance DATA or VOICE"),
    text("service_item", "The ordered service as the CRM names it"),
    _PRODUCT,
    text("product_type", "Type of the product", required=False),
)
_SERVICE = text("service_id", "Service that it is about; null until it is found or derived", required=False)
_ACCOUNTS = (
    text("service_account_id", "Account that gets the service; null until it exists", required=False),
    text("billing_account_id", "Account that is billed; null until it exists", required=False),
    text("customer_account_id", "Account of the customer; null until it exists", required=False),
    text("owner_account_id", "Account that owns the billing account's debts, if any", required=False),
)
_BILLING = (
    text("billing_type", "Kind of line for billing, for instance SERVICE_BUNDLE", required=False),
    text("billing_profile_id", "Billing profile that pays", required=False),
    text("billing_system", "Billing system that it is for", required=False),
)
_GROUP = text("group_id", "Group that it is in", required=False)
_STATE = text("state", "PENDING, IN_GROUP, BILLED or CANCELLED")
_PROVISIONING = text("provisioning", "NOT_REQUIRED, AWAITED, CONFIRMED or FAILED")
_LOCK = (
    moment("locked_at", "When it was billed, and became read-only", required=False),
    text("locked_by", "Who did it", required=False),
    text("lock_scope", "How much was locked with it: LINES, GROUP or ORDER", required=False),
)
_EFFECTIVE = moment("effective_at", "From when its services changed", required=False)
_BILLED_VERSION = count("version_billed", "Version that was billed", required=False)
_UNDONE = (
    text("compensated_by_order_id", "Order that undoes it", required=False),
    text("compensated_by_line_id", "Line that undoes it", required=False),
)
_CANCELLED_BECAUSE = text("cancelled_because", "REMOVED, REVISED, REPLACED or ORDER_CANCELLED", required=False)
_AMOUNT = amount("amount", "Amount, for information: no rule reads it", required=False)
_REVISION_ADDED = count("revision_added", "Revision in which it came")

LOG_ORDER_LINE = Table(
    "log_order_line",
    "Every version of every order line, by the transaction that made it. How each stands: fact_order_line.",
    ("customer_id", "line_id", "sequence"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        _ORDER,
        _LINE,
        VALID_FROM,
        *_WHAT,
        json("features", "List of {feature_id, product_id, service_action, service_id}: component services"),
        _SERVICE,
        text("subscription_id", "Subscription that it names", required=False),
        text("subscription_kind", "PREPAID or POSTPAID, as it asks for", required=False),
        *_ACCOUNTS,
        json("external_accounts", "Map of the accounts that do not exist yet, to their external ids"),
        *_BILLING,
        _AMOUNT,
        json("attributes", "The caller's names and values"),
        _STATE,
        text("custom_state", "The integrator's own sub-state", required=False),
        _GROUP,
        count("version", "1, and one more per change"),
        flag("editable", "It may be changed now"),
        _PROVISIONING,
        count("customer_data_revision", "Revision that last set customer data"),
        count("synchronized_revision", "Revision that was last synchronized", required=False),
        *_LOCK,
        _EFFECTIVE,
        _BILLED_VERSION,
        text("restores_service_id", "The service that it brings back", required=False),
        *_UNDONE,
        text("replaces_line_id", "The line whose place it takes", required=False),
        _REVISION_ADDED,
        _CANCELLED_BECAUSE,
    ),
)

LOG_ORDER_LINE_STEP = Table(
    "log_order_line_step",
    "Every event in the life of an order line.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        _ORDER,
        _LINE,
        text(
            "step",
            "ADDED, CHANGED, GROUPED, CONFIRMED or FAILED (by provisioning), LOCKED, CANCELLED, COMPENSATED or "
            "COMPENSATION_DROPPED",
        ),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
        flag("past_soft_point", "It was changed or cancelled though provisioning had confirmed it"),
        count("version", "Version after; for CONFIRMED and FAILED the one that was implemented", required=False),
        text("cause", "MODIFIED or REVISED; for CANCELLED why", required=False),
        text("changed_fields", "Fields that differ, a JSON list; CHANGED only", required=False),
        text("from_group_id", "Group before; GROUPED only", required=False),
        text("to_group_id", "Group after; GROUPED and ADDED only", required=False),
        text("reference", "The provisioning side's own number", required=False),
        text("replaced_by_line_id", "The line that takes its place; CANCELLED only", required=False),
    ),
)

FACT_ORDER_LINE = View(
    "fact_order_line",
    "One row per order line, as it stands.",
    (
        CUSTOMER,
        _ORDER,
        _LINE,
        _REVISION_ADDED,
        *_WHAT,
        _SERVICE,
        *_ACCOUNTS,
        *_BILLING,
        _GROUP,
        text("group_key", "What the lines of its group have in common, as JSON", required=False),
        _STATE,
        _PROVISIONING,
        moment("submitted_at", "When it was submitted: with its order, or added later"),
        moment("confirmed_at", "When provisioning confirmed it last", required=False),
        *_LOCK,
        _EFFECTIVE,
        moment("cancelled_at", "When it was cancelled", required=False),
        _CANCELLED_BECAUSE,
        whole("changes_before_lock", "Changes after it was submitted, those that raised its version"),
        whole("changes_refused_by_lock", "Commands that were refused because it was locked"),
        count("version", "Version that counts"),
        _BILLED_VERSION,
        _AMOUNT,
        fraction("lead_time_seconds", "Seconds from submitted_at to locked_at; null until it is billed"),
        *_UNDONE,
    ),
    """
    WITH latest AS (
        SELECT customer_id, line_id, max(sequence) AS sequence FROM log_order_line GROUP BY 1, 2
    ), steps AS (
        SELECT customer_id, line_id, min(occurred_at) FILTER (WHERE step = 'ADDED') AS submitted_at,
               max(occurred_at) FILTER (WHERE step = 'CONFIRMED') AS confirmed_at,
               max(occurred_at) FILTER (WHERE step = 'CANCELLED') AS cancelled_at,
               count(DISTINCT version) FILTER (WHERE step = 'CHANGED' AND version > 1) AS changes
        FROM log_order_line_step GROUP BY 1, 2
    ), refused AS (
        SELECT customer_id, line_id, count(DISTINCT command_id) AS commands FROM log_order_refusal
        WHERE code IN ('ORDER_ITEM_LOCKED', 'ORDER_LOCKED', 'POINT_OF_NO_RETURN') AND line_id IS NOT NULL GROUP BY 1, 2
    ), keyed AS (
        SELECT customer_id, group_id, max(group_key) AS group_key FROM log_order_group GROUP BY 1, 2
    )
    SELECT line.customer_id, line.order_id, line.line_id, revision_added, action, service_action, service_catalog,
           service_item, product, product_type, service_id, service_account_id, billing_account_id, customer_account_id,
           owner_account_id, billing_type, billing_profile_id, billing_system, line.group_id, group_key, state,
           provisioning, submitted_at, confirmed_at, locked_at, locked_by, lock_scope, effective_at, cancelled_at,
           cancelled_because, coalesce(changes, 0), coalesce(commands, 0), version, version_billed, amount,
           extract(epoch FROM locked_at) - extract(epoch FROM submitted_at), compensated_by_order_id,
           compensated_by_line_id
    FROM latest
    JOIN log_order_line AS line ON line.customer_id = latest.customer_id AND line.line_id = latest.line_id
        AND line.sequence = latest.sequence
    LEFT JOIN steps ON steps.customer_id = line.customer_id AND steps.line_id = line.line_id
    LEFT JOIN refused ON refused.customer_id = line.customer_id AND refused.line_id = line.line_id
    LEFT JOIN keyed ON keyed.customer_id = line.customer_id AND keyed.group_id = line.group_id
    """,
)

LOCKED_BY_DAY = View(
    "order_lines_locked_by_day",
    "How many order lines were billed and locked, by day (UTC), service action and scope.",
    (
        day("day", "Day, UTC"),
        text("service_action", "What was done to the service"),
        text("lock_scope", "How much was locked at once: LINES, GROUP or ORDER"),
        whole("lines", "Lines that were locked"),
        whole("orders", "Orders that they are of"),
    ),
    """
    SELECT CAST(date_trunc('day', locked_at) AS DATE), service_action, lock_scope, count(*),
           count(DISTINCT (customer_id, order_id))
    FROM fact_order_line
    WHERE locked_at IS NOT NULL
    GROUP BY 1, 2, 3
    """,
)

LEAD_TIMES = View(
    "order_lead_time_by_product",
    "How long lines take from submission to the lock, by product and service action: half of them, and nine of ten, no "
    "longer than this. Lines that were generated to undo others are left out.",
    (
        _PRODUCT,
        text("service_action", "What is done to the service"),
        whole("lines", "Lines that were locked"),
        fraction("median_seconds", "Half of them took no longer"),
        fraction("p90_seconds", "Nine of ten took no longer"),
        fraction("p99_seconds", "Ninety-nine of a hundred took no longer"),
        fraction("longest_seconds", "The longest"),
    ),
    """
    SELECT product, service_action, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY lead_time_seconds),
           percentile_cont(0.9) WITHIN GROUP (ORDER BY lead_time_seconds),
           percentile_cont(0.99) WITHIN GROUP (ORDER BY lead_time_seconds), max(lead_time_seconds)
    FROM fact_order_line AS line
    WHERE locked_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM log_order AS undoing WHERE undoing.customer_id = line.customer_id
            AND undoing.order_id = line.order_id AND undoing.compensates_order_id IS NOT NULL
    )
    GROUP BY 1, 2
    """,
)

IMPLEMENTED_NOT_BILLED = View(
    "order_lines_implemented_not_billed",
    "Lines that provisioning has confirmed, and that have not reached the billing system yet: revenue that waits.",
    (
        CUSTOMER,
        _ORDER,
        _LINE,
        _PRODUCT,
        text("service_action", "What is to be done to the service"),
        text("service_account_id", "Account that gets the service; null until it exists", required=False),
        moment("confirmed_at", "When provisioning confirmed it"),
        whole("days_waiting", "Full days of 24 hours since then, until now"),
        _AMOUNT,
    ),
    """
    SELECT customer_id, order_id, line_id, product, service_action, service_account_id, confirmed_at,
           floor((extract(epoch FROM now()) - extract(epoch FROM confirmed_at)) / 86400), amount
    FROM fact_order_line
    WHERE provisioning = 'CONFIRMED' AND state IN ('PENDING', 'IN_GROUP')
    """,
)

TABLES = (LOG_ORDER_LINE, LOG_ORDER_LINE_STEP)
VIEWS = (FACT_ORDER_LINE, LOCKED_BY_DAY, LEAD_TIMES, IMPLEMENTED_NOT_BILLED)
