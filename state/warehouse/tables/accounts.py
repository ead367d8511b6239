"""Customers and accounts: their versions, and how accounts come through their states."""

from __future__ import annotations

from state.warehouse.definitions import (
    ACCOUNT,
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
    fraction,
    json,
    moment,
    sealed,
    text,
    whole,
)
from state.warehouse.tables.dimensions import VALID_FROM, dimension

_ACCOUNT_ATTRIBUTES = (
    text("external_id", "The CRM's own id, unique within the customer", required=False),
    text("type", "Account type, a code of the catalog"),
    json("roles", "List of CUSTOMER, BILLING, SERVICE"),
    text("segment", "Segment, a code of the catalog", required=False),
    text("state", "INACTIVE, ACTIVE, SUSPENDED or DEACTIVATED"),
    text("reason", "Reason of the state, a code of the catalog"),
    moment("state_valid_from", "Since when the account is in that state"),
    text("currency", "Currency, ISO 4217"),
    text("bill_cycle", "Code of the bill cycle"),
    count("billing_day", "The account's own billing day, for individual cycles", required=False),
    count("billing_month", "The account's own billing month", required=False),
    count("billing_year", "The account's own billing year", required=False),
    text("parent_account_id", "The account above it", required=False),
    flag("payment_responsible", "Whether it pays for itself"),
    flag("test_account", "Marks accounts of tests"),
    text("account_profile", "Profile that supplied defaults", required=False),
    text("custom_name", "Name that the caller gave it", required=False),
    json("custom_attributes", "The caller's names and values"),
    text("tax_residence", "Tax residence", required=False),
    text("tax_exemption", "Tax exemption", required=False),
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

_CUSTOMER_ATTRIBUTES = (
    text("time_zone", "Time zone, IANA name: it decides which moment belongs to which day"),
    sealed("name", "Name of the customer"),
    json("custom_attributes", "The caller's names and values"),
    flag("erased", "Personal data was erased: its sealed values can never be opened again"),
)

LOG_ACCOUNT = Table(
    "log_account",
    "Every version of every account, by the transaction that made it. With dates from and to: dim_account.",
    ("customer_id", "account_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, ACCOUNT, VALID_FROM, *_ACCOUNT_ATTRIBUTES),
)

LOG_CUSTOMER = Table(
    "log_customer",
    "Every version of every customer, by the transaction that made it. With dates from and to: dim_customer.",
    ("customer_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, VALID_FROM, *_CUSTOMER_ATTRIBUTES),
)

LOG_ACCOUNT_STATE = Table(
    "log_account_state",
    "Every state that an account was created in or changed to. With the days in the state before: fact_account_state.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        ACCOUNT,
        text("change_id", "Id of the change, if it was planned", required=False),
        text("from_state", "State before; null at creation", required=False),
        text("from_reason", "Reason before; null at creation", required=False),
        text("to_state", "State after"),
        text("reason", "Reason after"),
        text("cause", "REQUESTED, DUE, SUBORDINATE (cascade) or ORDER; null at creation", required=False),
        moment("effective_at", "Since when the state holds"),
        day("effective_date", "Local day of effective_at"),
        text("root_account_id", "Root of the cascade, on accounts below it", required=False),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
    ),
)


DIM_CUSTOMER = dimension("customer", (CUSTOMER,), _CUSTOMER_ATTRIBUTES)
DIM_ACCOUNT = dimension("account", (CUSTOMER, ACCOUNT), _ACCOUNT_ATTRIBUTES)

FACT_ACCOUNT_STATE = View(
    "fact_account_state",
    "One row per state change of an account; the first row of an account is its creation.",
    (
        CUSTOMER,
        ACCOUNT,
        text("from_state", "State before; null at creation", required=False),
        text("to_state", "State after; the same as before if only the reason changed"),
        text("from_reason", "Reason before; null at creation", required=False),
        text("reason", "Reason after"),
        text("cause", "REQUESTED, DUE, SUBORDINATE (cascade) or ORDER; null at creation", required=False),
        fraction("days_in_from_state", "Days of 24 hours in the state before, whatever its reasons; null at creation"),
        moment("effective_at", "Since when the state holds"),
        day("effective_date", "Local day of effective_at"),
        text("change_id", "Id of the change, if it was planned", required=False),
        text("root_account_id", "Root of the cascade, on accounts below it", required=False),
        SOURCE,
        PERFORMED_BY,
        SEQUENCE,
        POSITION,
    ),
    """
    SELECT customer_id, account_id, from_state, to_state, from_reason, reason, cause,
           (epoch_us(effective_at) - epoch_us(last_value(began IGNORE NULLS) OVER earlier)) / 86400000000,
           effective_at, effective_date, change_id, root_account_id, source, performed_by, sequence, position
    FROM (
        SELECT *, CASE WHEN from_state IS DISTINCT FROM to_state THEN effective_at END AS began
        FROM log_account_state
    )
    WINDOW earlier AS (
        PARTITION BY customer_id, account_id ORDER BY sequence, position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
    """,
)

ACCOUNTS_BY_STATE_AND_DAY = View(
    "accounts_by_state_and_day",
    "How many accounts were in each state at the end of each day, from the first day on to the last with a change. "
    "Filter test_account to leave accounts of tests out.",
    (
        day("day", "Local day"),
        text("state", "INACTIVE, ACTIVE, SUSPENDED or DEACTIVATED"),
        flag("test_account", "Marks accounts of tests"),
        whole("accounts", "Accounts in that state at the end of that day"),
    ),
    """
    WITH moves AS (
        SELECT effective_date AS day, to_state AS state, test_account, 1 AS step
        FROM log_account_state JOIN dim_account USING (customer_id, account_id) WHERE is_current
        UNION ALL
        SELECT effective_date, from_state, test_account, -1
        FROM log_account_state JOIN dim_account USING (customer_id, account_id)
        WHERE is_current AND from_state IS NOT NULL
    ), days AS (
        SELECT unnest(generate_series(min(day), max(day), INTERVAL 1 DAY))::DATE AS day FROM moves
    ), kinds AS (
        SELECT DISTINCT state, test_account FROM moves
    )
    SELECT day, state, test_account,
           (sum(coalesce(moved, 0)) OVER (PARTITION BY state, test_account ORDER BY day))::BIGINT
    FROM days CROSS JOIN kinds
    LEFT JOIN (SELECT day, state, test_account, sum(step) AS moved FROM moves GROUP BY ALL)
        USING (day, state, test_account)
    """,
)

CHURN_BY_REASON = View(
    "churn_by_reason",
    "Accounts that ended, by month, reason, account type and segment. Accounts of tests are left out.",
    (
        day("month", "First day of the month in which they ended, by local day"),
        text("reason", "Reason of the deactivation"),
        text("type", "Account type"),
        text("segment", "Segment", required=False),
        whole("accounts", "Accounts that ended"),
        fraction("average_life_days", "Average of the days of 24 hours from creation to the end"),
    ),
    """
    SELECT date_trunc('month', ended.effective_date)::DATE, ended.reason, dim_account.type, segment, count(*),
           avg((epoch_us(ended.effective_at) - epoch_us(created.effective_at)) / 86400000000)
    FROM log_account_state ended
    JOIN log_account_state created USING (customer_id, account_id)
    JOIN dim_account USING (customer_id, account_id)
    WHERE ended.to_state = 'DEACTIVATED' AND ended.from_state <> 'DEACTIVATED' AND created.from_state IS NULL
      AND is_current AND NOT test_account
    GROUP BY ALL
    """,
)

SUSPENDED_ACCOUNTS = View(
    "suspended_accounts",
    "Accounts that are suspended now, and for how long: filter days_suspended for those longer than N days.",
    (
        CUSTOMER,
        ACCOUNT,
        text("reason", "Reason of the suspension, as it is now"),
        moment("suspended_since", "Since when"),
        whole("days_suspended", "Full days of 24 hours until now"),
        text("type", "Account type"),
        text("segment", "Segment", required=False),
        flag("test_account", "Marks accounts of tests"),
    ),
    """
    SELECT customer_id, account_id, dim_account.reason, since,
           (epoch_us(now()) - epoch_us(since)) // 86400000000, dim_account.type, segment, test_account
    FROM dim_account JOIN (
        SELECT customer_id, account_id, max(effective_at) AS since
        FROM log_account_state WHERE to_state = 'SUSPENDED' AND from_state IS DISTINCT FROM 'SUSPENDED' GROUP BY ALL
    ) USING (customer_id, account_id)
    WHERE is_current AND state = 'SUSPENDED'
    """,
)

TABLES = (LOG_ACCOUNT_STATE, LOG_ACCOUNT, LOG_CUSTOMER)
VIEWS = (
    DIM_CUSTOMER,
    DIM_ACCOUNT,
    FACT_ACCOUNT_STATE,
    ACCOUNTS_BY_STATE_AND_DAY,
    CHURN_BY_REASON,
    SUSPENDED_ACCOUNTS,
)
