"""What reached the billing system, what was refused, and which edits came too late because of a lock."""

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
    json,
    moment,
    text,
    whole,
)

_COMMAND = text("command_id", "Id of the command, chosen by the caller")
_TYPE = text("command_type", "Name of the command")
_GROUP = text("group_id", "Group, if all lines are of one", required=False)
_DECIDED = moment("decided_at", "When it was decided")
_SERVICES = (
    count("services_added", "Services that came"),
    count("services_changed", "Services in another state, with another product or other components; a swap is one"),
    count("services_ended", "Services that went"),
)
_SCOPE = text("scope", "How much of the order: LINES, GROUP or ORDER; null for those refused", required=False)
_NUMBER = count("number", "1, 2, 3 ... per order; null where nothing was brought", required=False)

LOG_UPDATE = Table(
    "log_billing_system_update",
    "Every update that brought lines to the billing system. With those that did not: fact_billing_system_update.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        text("order_id", "Order"),
        _COMMAND,
        text("command_type", "UpdateBillingSystem, or CompensateOrder"),
        count("number", "1, 2, 3 ... per order"),
        text("scope", "How much of the order: LINES, GROUP or ORDER"),
        _GROUP,
        text("filters", "By what the lines were chosen, as JSON; null without filters", required=False),
        json("line_ids", "List of the lines that were billed"),
        json("already_billed_line_ids", "List of the lines that an earlier update had billed"),
        *_SERVICES,
        moment("effective_at", "From when the services changed"),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)

LOG_UPDATE_REFUSAL = Table(
    "log_billing_system_update_refusal",
    "Every update that was refused, or whose lines were all billed before. Repeats and previews are left out.",
    ("kafka_partition", "kafka_offset"),
    (
        *ORIGIN,
        CUSTOMER,
        _COMMAND,
        text("status", "REJECTED, or COMPLETED where all was billed before"),
        text("order_id", "Order, as the refusal tells it", required=False),
        _GROUP,
        text("line_id", "The first line that the answer names, if any", required=False),
        json("line_ids", "List of the lines that the answer names"),
        json("codes", "List of the refusal codes; empty where all was billed before"),
        _DECIDED,
        SOURCE,
        PERFORMED_BY,
    ),
)

LOG_ORDER_REFUSAL = Table(
    "log_order_refusal",
    "Every rule that refused a command about an order, its customer data or its payments. Repeats and previews are "
    "left out.",
    ("kafka_partition", "kafka_offset", "place"),
    (
        *ORIGIN,
        count("place", "0, 1, 2 ... in order of precedence"),
        CUSTOMER,
        _COMMAND,
        _TYPE,
        text("code", "Refusal code"),
        text("rule", "Rule that was broken"),
        text("order_id", "Order, if the refusal is about one", required=False),
        text("line_id", "Line, if the refusal is about one", required=False),
        _DECIDED,
        SOURCE,
        PERFORMED_BY,
    ),
)

FACT_UPDATE = View(
    "fact_billing_system_update",
    "One row per update of the billing system, also those that were refused or found all billed.",
    (
        CUSTOMER,
        text("order_id", "Order; null where the refusal does not tell it", required=False),
        _COMMAND,
        text("command_type", "UpdateBillingSystem, or CompensateOrder"),
        text("status", "COMPLETED, UNCHANGED (all was billed before) or REJECTED"),
        _NUMBER,
        _SCOPE,
        _GROUP,
        json("line_ids", "List of the lines: those billed, or those that the answer names"),
        *_SERVICES,
        moment("effective_at", "From when the services changed; null where none did", required=False),
        json("codes", "List of the refusal codes"),
        _DECIDED,
        SOURCE,
        PERFORMED_BY,
    ),
    """
    SELECT customer_id, order_id, command_id, command_type, 'COMPLETED', number, scope, group_id, line_ids,
           services_added, services_changed, services_ended, effective_at, '[]', occurred_at, source, performed_by
    FROM log_billing_system_update
    UNION ALL
    SELECT refusal.customer_id, coalesce(refusal.order_id, line.order_id), command_id, 'UpdateBillingSystem',
           CASE status WHEN 'COMPLETED' THEN 'UNCHANGED' ELSE status END, NULL, NULL, group_id, line_ids, 0, 0, 0, NULL,
           codes, decided_at, source, performed_by
    FROM log_billing_system_update_refusal AS refusal
    LEFT JOIN (SELECT customer_id, line_id, max(order_id) AS order_id FROM log_order_line GROUP BY 1, 2) AS line
        ON line.customer_id = refusal.customer_id AND line.line_id = refusal.line_id
    """,
)

EDITS_REFUSED = View(
    "edits_refused_by_lock",
    "Changes that came too late: commands refused because a line or the whole order was locked, by product and user.",
    (
        text("product", "Product of the line; null where the whole order was locked", required=False),
        PERFORMED_BY,
        SOURCE,
        _TYPE,
        text("code", "ORDER_ITEM_LOCKED, ORDER_LOCKED or POINT_OF_NO_RETURN"),
        whole("commands", "Commands that were refused for it"),
        whole("lines", "Lines that they named"),
        moment("last_at", "When it happened last"),
    ),
    """
    SELECT product, performed_by, source, command_type, code, count(DISTINCT (refusal.customer_id, command_id)),
           count(DISTINCT (refusal.customer_id, refusal.line_id)) FILTER (WHERE refusal.line_id IS NOT NULL),
           max(decided_at)
    FROM log_order_refusal AS refusal
    LEFT JOIN (
        SELECT customer_id, line_id, product,
               row_number() OVER (PARTITION BY customer_id, line_id ORDER BY sequence DESC) AS age
        FROM log_order_line
    ) AS line ON line.customer_id = refusal.customer_id AND line.line_id = refusal.line_id AND age = 1
    WHERE code IN ('ORDER_ITEM_LOCKED', 'ORDER_LOCKED', 'POINT_OF_NO_RETURN')
    GROUP BY 1, 2, 3, 4, 5
    """,
)

TABLES = (LOG_UPDATE, LOG_UPDATE_REFUSAL, LOG_ORDER_REFUSAL)
VIEWS = (FACT_UPDATE, EDITS_REFUSED)
