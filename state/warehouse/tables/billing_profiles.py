"""Who pays for what: billing assignments, billing profiles and payment methods, and their answers for any day."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
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
    sealed,
    text,
    whole,
)
from state.warehouse.tables.dimensions import VALID_FROM, dimension

_SERVICE = text("service_id", "The service; of a promotion the order line")
_PROFILE = text("billing_profile_id", "Billing profile, unique within the customer")
_METHOD = text("payment_method_id", "Payment method, unique within the customer")
_PRODUCT = text("product", "Product of the service")
_MADE_BY = (
    text("made_by_order_id", "Order that made it, if one did", required=False),
    text("made_by_line_id", "Line that made it", required=False),
)
_ASSIGNED = (
    _PRODUCT,
    text("service_account_id", "Account that has the service; null for a promotion", required=False),
    text("billing_account_id", "Account that is billed", required=False),
    text("billing_profile_id", "Billing profile that pays", required=False),
    text("owner_account_id", "Account that owns the billing account's debts; only where tracked", required=False),
    json("set_by", "Map of the attributes to the line that set each, or null"),
    text("state", "ACTIVE, or ENDED where no line holds it any more"),
)
_PROFILE_ATTRIBUTES = (
    text("account_id", "Account that it is on"),
    flag("paying", "It pays itself; false: it points at its payer's profile"),
    text("payment_method_id", "Of a paying profile: how it pays", required=False),
    text("payer_profile_id", "Of a nonpaying profile: the payer's profile", required=False),
    flag("covers_all", "Of a nonpaying profile: its payer pays all services that no other profile lists"),
    json("covers", "Of a nonpaying profile: list of the services that it lists"),
    text("frequency", "MONTHLY, QUARTERLY or YEARLY"),
    text("currency", "Currency, ISO 4217"),
    flag("is_primary", "It is the account's primary profile"),
    text("state", "ACTIVE, INACTIVE or CLOSED"),
    json("billing_systems", "List of the billing systems that know it"),
    count("billing_system_count", "How many these are"),
    text("switch_to", "Who is to pay from the next period on: PAYER or OWN; null if none is planned", required=False),
    moment("switch_at", "When that is", required=False),
    text("own_profile_id", "The account's own paying profile, while a switch is planned", required=False),
    *_MADE_BY,
    sealed("contact_first_name", "First name of the contact"),
    sealed("contact_last_name", "Last name of the contact, or name of an organization"),
    sealed("contact_email", "E-mail address of the contact"),
    sealed("contact_phone", "Telephone number of the contact"),
    sealed("address_street", "Street and number"),
    sealed("address_street_2", "Second line of the street"),
    sealed("address_city", "City"),
    sealed("address_postal_code", "Postal code"),
    sealed("address_region", "Region, province or state"),
    sealed("address_country", "Country, ISO 3166-1 alpha-2"),
)
_METHOD_ATTRIBUTES = (
    text("account_id", "Account that it is on"),
    text("kind", "CARD, DIRECT_DEBIT or INVOICE"),
    text("state", "ACTIVE or CLOSED"),
    text("brand", "Brand of the card", required=False),
    text("expiry", "Month in which the card expires, YYYY-MM", required=False),
    text("last_four", "Last four digits of the card or bank account", required=False),
    *_MADE_BY,
)

FACT_ASSIGNMENT_CHANGE = Table(
    "fact_billing_assignment_change",
    "One row per attribute of a billing assignment that has another value, or that another order line holds.",
    ("customer_id", "sequence", "position", "place"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        count("place", "0, 1, 2 ... within the event"),
        _SERVICE,
        text("step", "STARTED, CHANGED or ENDED"),
        text("attribute", "service_account, billing_account, billing_profile or owner_account"),
        text("old_value", "Id before; null at the beginning", required=False),
        text("new_value", "Id after; null at the end", required=False),
        text("old_set_by_order_id", "Order that had set it", required=False),
        text("old_set_by_line_id", "Line that had set it", required=False),
        text("set_by_order_id", "Order that holds it now; null for prior values and at the end", required=False),
        text("set_by_line_id", "Line that holds it now", required=False),
        count("set_by_revision", "Revision in which that line set it", required=False),
        text("cause", "LINK, REVISION, FLIP, UNDO or IMPLICIT; CHANGED only", required=False),
        moment("effective_at", "Since when it holds"),
        SOURCE,
        PERFORMED_BY,
    ),
)

LOG_ASSIGNMENT = Table(
    "log_billing_assignment",
    "Every version of every billing assignment, by the transaction that made it. With dates: dim_billing_assignment.",
    ("customer_id", "service_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _SERVICE, VALID_FROM, *_ASSIGNED),
)

LOG_PROFILE = Table(
    "log_billing_profile",
    "Every version of every billing profile, by the transaction that made it. With dates: dim_billing_profile.",
    ("customer_id", "billing_profile_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _PROFILE, VALID_FROM, *_PROFILE_ATTRIBUTES),
)

LOG_METHOD = Table(
    "log_payment_method",
    "Every version of every payment method, by the transaction that made it. With dates: dim_payment_method.",
    ("customer_id", "payment_method_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _METHOD, VALID_FROM, *_METHOD_ATTRIBUTES),
)

DIM_ASSIGNMENT = dimension("billing_assignment", (CUSTOMER, _SERVICE), _ASSIGNED)
DIM_PROFILE = dimension("billing_profile", (CUSTOMER, _PROFILE), _PROFILE_ATTRIBUTES)
DIM_METHOD = dimension("payment_method", (CUSTOMER, _METHOD), _METHOD_ATTRIBUTES)

PAYERS = View(
    "service_payers",
    "Who pays for which service, and when: [valid_from, valid_to). While a change of payer waits for the account's "
    "next billing period, the profile that paid before still pays. Ends with the service, also where its billing "
    "assignment stays (an order that is undone leaves customer data as it is); a swapped one's goes on for the service "
    "in its place.",
    (
        CUSTOMER,
        _SERVICE,
        _PRODUCT,
        text("service_account_id", "Account that has the service; null for a promotion", required=False),
        text("paying_profile_id", "Billing profile that pays; null for a promotion", required=False),
        text("paying_account_id", "Account of that profile; for a promotion the one that is billed", required=False),
        text("assigned_profile_id", "Billing profile that is to pay", required=False),
        flag("waits_for_switch", "Another profile pays until the account's next billing period"),
        VALID_FROM,
        moment("valid_to", "When something about it changes; null as long as it holds", required=False),
    ),
    """
    WITH ended AS (
        SELECT customer_id, service_id, min(effective_at) AS ended_at FROM log_service_state
        WHERE new_state IN ('CANCELLED', 'REGRETTED', 'REMOVED') GROUP BY 1, 2
    ), waiting AS (
        SELECT customer_id, account_id, switch_to, valid_from, valid_to,
               CASE switch_to WHEN 'PAYER' THEN payer_profile_id ELSE own_profile_id END AS assigned,
               CASE switch_to WHEN 'PAYER' THEN own_profile_id ELSE payer_profile_id END AS pays
        FROM dim_billing_profile
        WHERE NOT paying AND switch_to IS NOT NULL AND state <> 'CLOSED'
    ), moments AS (
        SELECT customer_id, service_id, valid_from AS begins FROM dim_billing_assignment
        UNION
        SELECT assignment.customer_id, service_id, edge.begins
        FROM dim_billing_assignment AS assignment
        JOIN (
            SELECT customer_id, account_id, assigned, valid_from AS begins FROM waiting
            UNION ALL SELECT customer_id, account_id, assigned, valid_to FROM waiting WHERE valid_to IS NOT NULL
        ) AS edge ON edge.customer_id = assignment.customer_id AND edge.account_id = service_account_id
            AND edge.assigned = billing_profile_id AND edge.begins >= assignment.valid_from
            AND (assignment.valid_to IS NULL OR edge.begins < assignment.valid_to)
    ), spans AS (
        SELECT customer_id, service_id, begins,
               lead(begins) OVER (PARTITION BY customer_id, service_id ORDER BY begins) AS ends
        FROM moments
    )
    SELECT assignment.customer_id, assignment.service_id, product, service_account_id,
           coalesce(pays, assignment.billing_profile_id), coalesce(payer.account_id, billing_account_id),
           assignment.billing_profile_id, pays IS NOT NULL, begins, least(ends, ended_at)
    FROM spans
    JOIN dim_billing_assignment AS assignment ON assignment.customer_id = spans.customer_id
        AND assignment.service_id = spans.service_id AND assignment.valid_from <= begins
        AND (assignment.valid_to IS NULL OR begins < assignment.valid_to)
    LEFT JOIN waiting ON waiting.customer_id = assignment.customer_id
        AND waiting.account_id = service_account_id AND waiting.assigned = assignment.billing_profile_id
        AND waiting.valid_from <= begins AND (waiting.valid_to IS NULL OR begins < waiting.valid_to)
    LEFT JOIN (SELECT customer_id, billing_profile_id, max(account_id) AS account_id FROM log_billing_profile
               GROUP BY 1, 2) AS payer
        ON payer.customer_id = assignment.customer_id
        AND payer.billing_profile_id = coalesce(pays, assignment.billing_profile_id)
    LEFT JOIN ended ON ended.customer_id = assignment.customer_id AND ended.service_id = assignment.service_id
    WHERE assignment.state = 'ACTIVE' AND (ended_at IS NULL OR begins < ended_at)
    """,
)

PAYERS_BY_DAY = View(
    "service_payers_by_day",
    "Who pays for which service at the end of each day (UTC), from the first day on to the last with a transaction: "
    "filter the day.",
    (
        day("day", "Day, UTC"),
        *PAYERS.columns[:8],
    ),
    """
    WITH bounds AS (
        SELECT CAST((SELECT min(valid_from) FROM log_billing_assignment) AS DATE) AS first_day,
               CAST(max(occurred_at) AS DATE) AS last_day
        FROM raw_transaction
    ), days AS (
        SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day FROM bounds
    )
    SELECT day, customer_id, service_id, product, service_account_id, paying_profile_id, paying_account_id,
           assigned_profile_id, waits_for_switch
    FROM days JOIN service_payers
        ON CAST(valid_from AS DATE) <= day AND (valid_to IS NULL OR CAST(valid_to AS DATE) > day)
    """,
)

SEVERAL_SYSTEMS = View(
    "profiles_over_billing_systems",
    "Billing profiles that several billing systems know: their payers get more than one bill.",
    (
        CUSTOMER,
        _PROFILE,
        text("account_id", "Account that it is on"),
        flag("paying", "It pays itself"),
        count("billing_system_count", "How many billing systems know it"),
        json("billing_systems", "List of them"),
    ),
    """
    SELECT customer_id, billing_profile_id, account_id, paying, billing_system_count, billing_systems
    FROM dim_billing_profile
    WHERE is_current AND state <> 'CLOSED' AND billing_system_count > 1
    """,
)

PAYERS_BY_CHILDREN = View(
    "payers_by_children",
    "Accounts that pay for others now, and for how many.",
    (
        CUSTOMER,
        text("account_id", "The payer"),
        whole("children", "Accounts with a nonpaying profile that points at it, and is in force"),
        whole("profiles", "Nonpaying profiles that point at it"),
        whole("services", "Services that it pays for, those of others and its own"),
    ),
    """
    SELECT child.customer_id, payer.account_id, count(DISTINCT child.account_id), count(*), max(coalesce(services, 0))
    FROM dim_billing_profile AS child
    JOIN dim_billing_profile AS payer ON payer.customer_id = child.customer_id
        AND payer.billing_profile_id = child.payer_profile_id AND payer.is_current
    LEFT JOIN (
        SELECT customer_id, paying_account_id, count(*) AS services FROM service_payers
        WHERE valid_to IS NULL GROUP BY 1, 2
    ) AS paid ON paid.customer_id = child.customer_id AND paid.paying_account_id = payer.account_id
    WHERE child.is_current AND NOT child.paying AND child.state = 'ACTIVE'
    GROUP BY 1, 2
    """,
)

TABLES = (FACT_ASSIGNMENT_CHANGE, LOG_ASSIGNMENT, LOG_PROFILE, LOG_METHOD)
VIEWS = (DIM_ASSIGNMENT, DIM_PROFILE, DIM_METHOD, PAYERS, PAYERS_BY_DAY, SEVERAL_SYSTEMS, PAYERS_BY_CHILDREN)
