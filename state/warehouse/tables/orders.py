"""Orders in flight: their versions, groups, splits and revisions, how they stand, and how long they have been going."""

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
    flag,
    json,
    moment,
    text,
    whole,
)
from state.warehouse.tables.dimensions import VALID_FROM

_EVENT = (*ORIGIN, CUSTOMER, SEQUENCE, POSITION)
_ORDER = text("order_id", "Order: the CRM's cart, unique within the customer")
_STATE = text("state", "SUBMITTED, IN_PROGRESS, PARTIALLY_BILLED, COMPLETED or CANCELLED")
_ATTRIBUTES = (
    count("revision", "Revision that counts"),
    _STATE,
    flag("locked", "The whole order is read-only"),
    moment("locked_at", "Since when it is", required=False),
    text("locked_by", "Who did it", required=False),
    text("lock_why", "BILLING_SYSTEM_UPDATE or ORDER_CLOSED", required=False),
    flag("split", "Its lines are in groups"),
    count("split_number", "1, 2, 3 ... per order: how many times it was split", required=False),
    text("split_dimensions", "By what it was split, a JSON list; null for groups that were given", required=False),
    text("split_attribute", "The attribute that it was split by", required=False),
    text("account_sync", "How far customer data is: NONE, PARTIAL, AWAITING_PAYMENT or COMPLETED"),
    text("payment_billing_profile_id", "Profile that a payment taken with it belongs to", required=False),
    moment("submitted_at", "When it was put in flight"),
    moment("closed_at", "When it was completed or cancelled", required=False),
    count("billing_updates", "How many times lines of it were brought to the billing system"),
    text("compensates_order_id", "The order that it undoes", required=False),
    json("compensated_by_order_ids", "List of the orders that undo it"),
    json("custom", "The caller's names and values"),
)
_LINES = (
    whole("lines_live", "Lines that are neither billed nor cancelled"),
    whole("lines_billed", "Lines that are billed"),
    whole("lines_cancelled", "Lines that were cancelled"),
)

LOG_ORDER = Table(
    "log_order",
    "Every version of every order, by the transaction that made it. With dates and lines: dim_order.",
    ("customer_id", "order_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _ORDER, VALID_FROM, *_ATTRIBUTES),
)

LOG_ORDER_GROUP = Table(
    "log_order_group",
    "Every state that a group of an order's lines came to.",
    ("customer_id", "sequence", "position", "place"),
    (
        *_EVENT,
        count("place", "0, 1, 2 ... within the event"),
        _ORDER,
        text("group_id", "Group, unique within the customer"),
        text("group_key", "What its lines have in common, as JSON; null if a split dissolved it", required=False),
        text("state", "OPEN, BILLED, CANCELLED or DISSOLVED"),
        OCCURRED,
    ),
)

FACT_ORDER_SPLIT = Table(
    "fact_order_split",
    "One row per split of an order into groups.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        _ORDER,
        count("number", "1, 2, 3 ... per order"),
        json("dimensions", "List of SERVICE_ACTION, SERVICE_CATALOG, SERVICE_ITEM, ATTRIBUTE; empty for given groups"),
        text("attribute", "The attribute that is one of the dimensions", required=False),
        flag("explicit", "The groups were given"),
        count("groups", "Groups that hold the live lines now"),
        count("dissolved_groups", "Groups that hold no line any more"),
        count("lines_moved", "Lines that came into another group"),
        moment("split_at", "When"),
        text("split_by", "Who did it"),
        SOURCE,
    ),
)

FACT_ORDER_REVISION = Table(
    "fact_order_revision",
    "One row per accepted revision of an order.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        _ORDER,
        count("revision", "Revision that counts from now on"),
        count("previous_revision", "Revision before"),
        text("reason", "Why, as the caller says", required=False),
        count("added", "Lines that came"),
        count("changed", "Lines that differ"),
        count("cancelled", "Lines that went"),
        count("unchanged", "Lines that stay as they are"),
        count("past_soft_point", "Lines changed or cancelled though provisioning had confirmed them"),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)

DIM_ORDER = View(
    "dim_order",
    "Every version of every order with the states of its lines, and the time for which it held: [valid_from, "
    "valid_to). Versions with valid_from = valid_to were passed through within one moment.",
    (
        CUSTOMER,
        _ORDER,
        *_ATTRIBUTES,
        *_LINES,
        VALID_FROM,
        moment("valid_to", "When the next version begins; null for the current one", required=False),
        flag("is_current", "True for the latest version"),
        SEQUENCE,
    ),
    f"""
    WITH moves AS (
        SELECT customer_id, order_id, sequence, occurred_at,
               CASE step WHEN 'ADDED' THEN 1 WHEN 'LOCKED' THEN -1 WHEN 'CANCELLED' THEN -1 ELSE 0 END AS live,
               CASE step WHEN 'LOCKED' THEN 1 ELSE 0 END AS billed,
               CASE step WHEN 'CANCELLED' THEN 1 ELSE 0 END AS cancelled
        FROM log_order_line_step WHERE step IN ('ADDED', 'LOCKED', 'CANCELLED')
        UNION ALL
        SELECT customer_id, order_id, sequence, valid_from, 0, 0, 0 FROM log_order
    ), points AS (
        SELECT customer_id, order_id, sequence, max(occurred_at) AS valid_from, sum(live) AS live,
               sum(billed) AS billed, sum(cancelled) AS cancelled
        FROM moves GROUP BY 1, 2, 3
    ), counted AS (
        SELECT points.customer_id, points.order_id, points.sequence, points.valid_from,
               sum(live) OVER history AS lines_live, sum(billed) OVER history AS lines_billed,
               sum(cancelled) OVER history AS lines_cancelled, max(log_order.sequence) OVER history AS version
        FROM points LEFT JOIN log_order
            ON log_order.customer_id = points.customer_id AND log_order.order_id = points.order_id
            AND log_order.sequence = points.sequence
        WINDOW history AS (PARTITION BY points.customer_id, points.order_id ORDER BY points.sequence)
    )
    SELECT counted.customer_id, counted.order_id, {", ".join(column.name for column in _ATTRIBUTES)},
           lines_live, lines_billed, lines_cancelled, counted.valid_from,
           lead(counted.valid_from) OVER later, lead(counted.valid_from) OVER later IS NULL, counted.sequence
    FROM counted JOIN log_order
        ON log_order.customer_id = counted.customer_id AND log_order.order_id = counted.order_id
        AND log_order.sequence = counted.version
    WINDOW later AS (PARTITION BY counted.customer_id, counted.order_id ORDER BY counted.sequence)
    """,  # noqa: S608 - made of the definitions above
)

ORDERS_IN_FLIGHT = View(
    "orders_in_flight",
    "Every order that is neither completed nor cancelled, with its age.",
    (
        CUSTOMER,
        _ORDER,
        _STATE,
        moment("submitted_at", "When it was put in flight"),
        whole("age_days", "Full days of 24 hours until now"),
        moment("changed_at", "When anything about it changed last"),
        count("revision", "Revision that counts"),
        text("account_sync", "How far customer data is: NONE, PARTIAL, AWAITING_PAYMENT or COMPLETED"),
        *_LINES,
    ),
    """
    SELECT customer_id, order_id, state, submitted_at,
           floor((extract(epoch FROM now()) - extract(epoch FROM submitted_at)) / 86400), valid_from, revision,
           account_sync, lines_live, lines_billed, lines_cancelled
    FROM dim_order
    WHERE is_current AND state NOT IN ('COMPLETED', 'CANCELLED')
    """,
)

ORDERS_BY_AGE = View(
    "orders_in_flight_by_age",
    "How many orders are in flight, by age and state.",
    (
        text("age", "TODAY, WEEK (1 to 6 days), MONTH (7 to 29 days) or OLDER"),
        _STATE,
        whole("orders", "Orders of that age and state"),
        whole("lines_live", "Their lines that are neither billed nor cancelled"),
        whole("oldest_days", "Age of the oldest of them, in full days"),
    ),
    """
    SELECT CASE WHEN age_days < 1 THEN 'TODAY' WHEN age_days < 7 THEN 'WEEK' WHEN age_days < 30 THEN 'MONTH'
                ELSE 'OLDER' END,
           state, count(*), sum(lines_live), max(age_days)
    FROM orders_in_flight
    GROUP BY 1, 2
    """,
)

TABLES = (LOG_ORDER, LOG_ORDER_GROUP, FACT_ORDER_SPLIT, FACT_ORDER_REVISION)
VIEWS = (DIM_ORDER, ORDERS_IN_FLIGHT, ORDERS_BY_AGE)
