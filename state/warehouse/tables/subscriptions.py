"""Subscriptions and their services: states as facts and as plans, swaps, and the components that amendments move."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
    OCCURRED,
    ORIGIN,
    PERFORMED_BY,
    POSITION,
    SEQUENCE,
    SOURCE,
    SUBSCRIPTION,
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

_EVENT = (*ORIGIN, CUSTOMER, SEQUENCE, POSITION)
_SERVICE = text("service_id", "Service, unique within the customer")
_PRODUCT = text("product", "Product")
_BUNDLE = text("bundle_service_id", "The bundle that the service is a component of", required=False)
_EFFECTIVE = moment("effective_at", "Since when it holds; earlier than occurred_at where it was told late")
_OLD = text("old_state", "State before; null at the beginning", required=False)
_NEW = text("new_state", "State after")
_CAUSE = text(
    "cause",
    "COMMAND, SCHEDULED, AUTOMATIC, SERVICES, ACCOUNT, ORDER, WALLET_SHORT, WALLET_FUNDED, BUNDLE, AMENDED or SWAPPED",
    required=False,
)
_ACTION = text("action_id", "The scheduled action that did it", required=False)
_REASON = text("reason", "Why, as the caller says", required=False)
_TYPE = text("action_type", "The caller's kind of action, a code of the catalog", required=False)
_SUB_TYPE = text("sub_action_type", "A finer kind of action", required=False)
_ORDER = text("order_id", "Order that it came from", required=False)
_LINE = text("line_id", "Line of that order", required=False)
_PRODUCT_TYPE = text("product_type", "Type of the product", required=False)
_FAMILY = text("family", "Family of the product", required=False)
_VALID = (
    moment("valid_from", "Since when the state holds: effective_at of the fact"),
    moment("valid_to", "When the next fact begins; null for the current one", required=False),
)
_CURRENT = flag("is_current", "True for the latest fact")

LOG_SUBSCRIPTION_STATE = Table(
    "log_subscription_state",
    "Every state that a subscription was created in or changed to. With dates from and to: dim_subscription.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        SUBSCRIPTION,
        text("action", "What was done; null at creation", required=False),
        _OLD,
        _NEW,
        _EFFECTIVE,
        _CAUSE,
        _ACTION,
        _REASON,
        _TYPE,
        _SUB_TYPE,
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
        text("account_id", "Account that it belongs to; at creation only, like all that follows", required=False),
        text("kind", "PREPAID or POSTPAID", required=False),
        text("subscription_type", "Selects the definition", required=False),
        text("definition", "The definition when it was created", required=False),
        text("wallet_id", "Its wallet, if PREPAID", required=False),
    ),
)

LOG_SERVICE = Table(
    "log_service",
    "Every service that a subscription got, with what never changes about it.",
    ("customer_id", "service_id"),
    (
        *_EVENT,
        SUBSCRIPTION,
        _SERVICE,
        count("number", "1, 2, 3 ... in the order of adding, per subscription"),
        _PRODUCT,
        _PRODUCT_TYPE,
        _FAMILY,
        text("composition", "FLAT, FIXED_BUNDLE or FLEXIBLE_BUNDLE"),
        count("tier", "Rank by which a swap is an upgrade or a downgrade"),
        _BUNDLE,
        moment("added_at", "When it was added"),
        text("provider", "Network that delivers it", required=False),
        _ORDER,
        _LINE,
        text("restores_service_id", "The service that it restores", required=False),
        text("swapped_from_service_id", "The service whose place it took", required=False),
    ),
)

LOG_SERVICE_STATE = Table(
    "log_service_state",
    "Every state that a service came to in fact. With dates from and to: dim_subscription_service.",
    ("customer_id", "sequence", "position", "point"),
    (
        *_EVENT,
        count("point", "0; then 1, 2 ... for facts that a component added in the past took over from its bundle"),
        SUBSCRIPTION,
        _SERVICE,
        _OLD,
        _NEW,
        _EFFECTIVE,
        _CAUSE,
        _ACTION,
        _REASON,
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)

LOG_SERVICE_PLAN = Table(
    "log_service_plan",
    "What was planned after each transaction that touched a service or a subscription. What is planned now: "
    "subscription_service_plan.",
    ("customer_id", "sequence", "subscription_id", "service_id"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        SUBSCRIPTION,
        text("service_id", "Service; null for plans of the subscription itself", required=False),
        json("plans", "List of {from, state, planned, action_id, cause}, in time order; empty where nothing waits"),
    ),
)

LOG_SERVICE_SWAP = Table(
    "log_service_swap",
    "Every swap of a service. With tiers: fact_service_swap.",
    ("customer_id", "sequence", "position"),
    (
        *_EVENT,
        SUBSCRIPTION,
        text("from_service_id", "Service that went"),
        text("to_service_id", "Service that took its place"),
        text("from_product", "Product that went"),
        text("to_product", "Product that came"),
        text("swap_class", "UPGRADE, DOWNGRADE or SWITCH, by the tiers"),
        _EFFECTIVE,
        count("removed_components", "How many components went along"),
        _TYPE,
        _SUB_TYPE,
        OCCURRED,
        PERFORMED_BY,
    ),
)

FACT_BUNDLE_AMENDMENT = Table(
    "fact_bundle_amendment",
    "One row per component that an amendment brought to a bundle or took away from it.",
    ("customer_id", "sequence", "position", "place"),
    (
        *_EVENT,
        count("place", "0, 1, 2 ... within the amendment: what went, then what came"),
        SUBSCRIPTION,
        text("bundle_service_id", "The bundle"),
        text("bundle_product", "Product of the bundle"),
        text("service_id", "The component"),
        text("product", "Product of the component"),
        text("direction", "ADDED or REMOVED"),
        _EFFECTIVE,
        amount(
            "charged_amount",
            "What the wallet paid for its activation; below 0 what it got back for the removal; null without an entry: "
            "postpaid, or not activated",
            required=False,
        ),
        text("currency", "Currency of the amount, ISO 4217", required=False),
        _ACTION,
        _TYPE,
        _SUB_TYPE,
        OCCURRED,
        PERFORMED_BY,
    ),
)

DIM_SUBSCRIPTION = View(
    "dim_subscription",
    "Every state of every subscription, with the time for which it held: [valid_from, valid_to).",
    (
        CUSTOMER,
        SUBSCRIPTION,
        text("account_id", "Account that it belongs to"),
        text("kind", "PREPAID or POSTPAID"),
        text("subscription_type", "Selects the definition"),
        text("definition", "The definition when it was created"),
        text("wallet_id", "Its wallet, if PREPAID", required=False),
        text("state", "State"),
        *_VALID,
        _CURRENT,
        _CAUSE,
        _ACTION,
        SEQUENCE,
    ),
    """
    SELECT customer_id, subscription_id, first_value(account_id) OVER history, first_value(kind) OVER history,
           first_value(subscription_type) OVER history, first_value(definition) OVER history,
           first_value(wallet_id) OVER history, new_state, effective_at, lead(effective_at) OVER history,
           lead(effective_at) OVER history IS NULL, cause, action_id, sequence
    FROM log_subscription_state
    WINDOW history AS (PARTITION BY customer_id, subscription_id ORDER BY sequence, position)
    """,
)

DIM_SUBSCRIPTION_SERVICE = View(
    "dim_subscription_service",
    "Every state of every service, with the time for which it held in fact: [valid_from, valid_to). What is planned "
    "stands in subscription_service_plan.",
    (
        CUSTOMER,
        SUBSCRIPTION,
        _SERVICE,
        _PRODUCT,
        _PRODUCT_TYPE,
        _FAMILY,
        _BUNDLE,
        text("state", "State"),
        *_VALID,
        _CAUSE,
        _ACTION,
        _ORDER,
        _LINE,
        _CURRENT,
        whole("sequence", "Number of the transaction that told the fact"),
    ),
    """
    SELECT step.customer_id, step.subscription_id, step.service_id, product, product_type, family, bundle_service_id,
           new_state, effective_at, lead(effective_at) OVER history, cause, action_id, order_id, line_id,
           lead(effective_at) OVER history IS NULL, step.sequence
    FROM log_service_state step JOIN log_service service USING (customer_id, service_id)
    WINDOW history AS (
        PARTITION BY step.customer_id, step.service_id ORDER BY step.sequence, step.position, point
    )
    """,
)

SUBSCRIPTION_SERVICE_PLAN = View(
    "subscription_service_plan",
    "What is planned now, one row per point: it becomes a fact when its action runs.",
    (
        CUSTOMER,
        SUBSCRIPTION,
        text("service_id", "Service; null for plans of the subscription itself", required=False),
        text("product", "Product; null for plans of the subscription itself", required=False),
        moment("planned_from", "When the state is to begin"),
        text("state", "State"),
        _CAUSE,
        _ACTION,
    ),
    """
    WITH latest AS (
        SELECT * FROM log_service_plan
        QUALIFY row_number() OVER (PARTITION BY customer_id, subscription_id, service_id ORDER BY sequence DESC) = 1
    ), points AS (
        SELECT customer_id, subscription_id, service_id, unnest(from_json(plans, '["json"]')) AS plan FROM latest
    )
    SELECT points.customer_id, points.subscription_id, points.service_id, product,
           (plan ->> 'from')::TIMESTAMPTZ, plan ->> 'state', plan ->> 'cause', plan ->> 'action_id'
    FROM points LEFT JOIN log_service service
        ON service.customer_id = points.customer_id AND service.service_id = points.service_id
    """,
)

FACT_SERVICE_STATE_CHANGE = View(
    "fact_service_state_change",
    "One row per state change of a service; the first row of a service is its addition.",
    (
        CUSTOMER,
        SUBSCRIPTION,
        _SERVICE,
        _PRODUCT,
        _BUNDLE,
        _OLD,
        _NEW,
        _CAUSE,
        _EFFECTIVE,
        OCCURRED,
        fraction("backdated_seconds", "Seconds from effective_at to occurred_at: how late it was told"),
        _ACTION,
        _REASON,
        SOURCE,
        PERFORMED_BY,
        SEQUENCE,
        POSITION,
    ),
    """
    SELECT step.customer_id, step.subscription_id, step.service_id, product, bundle_service_id, old_state, new_state,
           cause, effective_at, occurred_at, (epoch_us(occurred_at) - epoch_us(effective_at)) / 1000000, action_id,
           reason, source, performed_by, step.sequence, step.position
    FROM log_service_state step JOIN log_service service USING (customer_id, service_id)
    """,
)

FACT_SERVICE_SWAP = View(
    "fact_service_swap",
    "One row per swap: a service that gave its place to another one.",
    (
        *LOG_SERVICE_SWAP.columns[2:11],
        count("from_tier", "Tier of the product that went"),
        count("to_tier", "Tier of the product that came"),
        *LOG_SERVICE_SWAP.columns[11:],
    ),
    """
    SELECT swap.customer_id, swap.sequence, swap.position, swap.subscription_id, from_service_id, to_service_id,
           from_product, to_product, swap_class, gone.tier, come.tier, effective_at, removed_components, action_type,
           sub_action_type, occurred_at, performed_by
    FROM log_service_swap swap
    LEFT JOIN log_service gone ON gone.customer_id = swap.customer_id AND gone.service_id = from_service_id
    LEFT JOIN log_service come ON come.customer_id = swap.customer_id AND come.service_id = to_service_id
    """,
)

COMPONENTS_MOVED = View(
    "components_by_product_and_month",
    "How many components amendments brought and took away, by product and month (UTC) in which it takes effect.",
    (
        day("month", "First day of the month"),
        text("product", "Product of the component"),
        text("bundle_product", "Product of the bundle"),
        whole("added", "Components that came"),
        whole("removed", "Components that went"),
    ),
    """
    SELECT date_trunc('month', effective_at)::DATE, product, bundle_product,
           count_if(direction = 'ADDED'), count_if(direction = 'REMOVED')
    FROM fact_bundle_amendment
    GROUP BY ALL
    """,
)

TABLES = (
    LOG_SUBSCRIPTION_STATE,
    LOG_SERVICE,
    LOG_SERVICE_STATE,
    LOG_SERVICE_PLAN,
    LOG_SERVICE_SWAP,
    FACT_BUNDLE_AMENDMENT,
)
VIEWS = (
    DIM_SUBSCRIPTION,
    DIM_SUBSCRIPTION_SERVICE,
    SUBSCRIPTION_SERVICE_PLAN,
    FACT_SERVICE_STATE_CHANGE,
    FACT_SERVICE_SWAP,
    COMPONENTS_MOVED,
)
