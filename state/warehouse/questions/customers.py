"""Customers and their accounts: who is active, who they are, how their accounts hang together."""

from __future__ import annotations

from state.warehouse.definitions import CUSTOMER, View, count, day, flag, moment, text, whole

ACTIVE_CUSTOMERS_BY_MONTH = View(
    "active_customers_by_month",
    "How many customers were active in each month (UTC), and how many were new? Active is who had something changed on "
    "request; work of the core's own clock does not count.",
    (
        day("month", "First day of the month"),
        whole("customers", "Customers with a transaction that somebody asked for"),
        whole("new_customers", "Those of them whose first such transaction it was"),
        whole("transactions", "Transactions that somebody asked for"),
    ),
    """
    SELECT month, count(*), count(*) FILTER (WHERE month = first_month), sum(transactions)
    FROM (
        SELECT customer_id, date_trunc('month', occurred_at) AS month, count(*) AS transactions,
               min(min(date_trunc('month', occurred_at))) OVER (PARTITION BY customer_id) AS first_month
        FROM raw_transaction
        WHERE source <> 'clock'
        GROUP BY 1, 2
    ) AS months
    GROUP BY 1
    """,
)

CUSTOMER_OVERVIEW = View(
    "customer_overview",
    "What does a customer have, and what happened lately? One row per customer.",
    (
        CUSTOMER,
        text("time_zone", "Time zone, IANA name; null where dim_customer has none", required=False),
        flag("erased", "Personal data was erased"),
        moment("first_seen", "When their first transaction counts"),
        moment("last_seen", "When their latest transaction counts"),
        whole("transactions", "Transactions"),
        whole("accounts", "Accounts, whatever their state"),
        whole("active_accounts", "Accounts that are ACTIVE"),
        whole("subscriptions", "Subscriptions, whatever their state"),
        whole("services_on", "Services that are on: EFFECTIVE or SHORT_TERM_EFFECTIVE"),
        whole("refused_commands", "Commands that were refused; repeats and previews are not counted"),
    ),
    """
    SELECT seen.customer_id, registered.time_zone, coalesce(registered.erased, FALSE), seen.first_at, seen.last_at,
           seen.transactions, coalesce(held.accounts, 0), coalesce(held.active, 0), coalesce(subscribed.many, 0),
           coalesce(served.many, 0), coalesce(refused.many, 0)
    FROM (
        SELECT customer_id, min(occurred_at) AS first_at, max(occurred_at) AS last_at, count(*) AS transactions
        FROM raw_transaction GROUP BY 1
    ) AS seen
    LEFT JOIN dim_customer AS registered ON registered.customer_id = seen.customer_id AND registered.is_current
    LEFT JOIN (
        SELECT customer_id, count(*) AS accounts, count(*) FILTER (WHERE state = 'ACTIVE') AS active
        FROM dim_account WHERE is_current GROUP BY 1
    ) AS held ON held.customer_id = seen.customer_id
    LEFT JOIN (
        SELECT customer_id, count(*) AS many FROM dim_subscription WHERE is_current GROUP BY 1
    ) AS subscribed ON subscribed.customer_id = seen.customer_id
    LEFT JOIN (
        SELECT customer_id, count(*) AS many FROM dim_subscription_service
        WHERE is_current AND state IN ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE') GROUP BY 1
    ) AS served ON served.customer_id = seen.customer_id
    LEFT JOIN (
        SELECT customer_id, count(*) AS many FROM fact_command_outcome
        WHERE status = 'REJECTED' AND mode = 'EXECUTE' AND NOT repeated GROUP BY 1
    ) AS refused ON refused.customer_id = seen.customer_id
    """,
)

ACCOUNTS_BY_BILL_CYCLE = View(
    "accounts_by_bill_cycle",
    "Which bill cycles are in use, and by how many accounts? As things stand; accounts of tests are left out.",
    (
        text("bill_cycle", "Code of the bill cycle"),
        text("state", "INACTIVE, ACTIVE, SUSPENDED or DEACTIVATED"),
        whole("accounts", "Accounts"),
        whole("payers", "Those of them that pay for themselves"),
        whole("customers", "Customers who have them"),
    ),
    """
    SELECT bill_cycle, state, count(*), count(*) FILTER (WHERE payment_responsible), count(DISTINCT customer_id)
    FROM dim_account
    WHERE is_current AND NOT test_account
    GROUP BY 1, 2
    """,
)

ACCOUNT_TREES = View(
    "account_trees",
    "Which hierarchies of accounts are the largest? One row per root that has accounts below it, as things stand.",
    (
        CUSTOMER,
        text("root_account_id", "The account that has none above it"),
        whole("accounts", "Accounts of the tree, the root included"),
        count("depth", "Longest way down: 2 where the root has children only"),
        whole("active_accounts", "Accounts that are ACTIVE"),
        whole("payers", "Accounts that pay for themselves"),
    ),
    """
    WITH RECURSIVE accounts AS (
        SELECT customer_id, account_id, parent_account_id, state, payment_responsible FROM dim_account WHERE is_current
    ), tree (customer_id, root_account_id, account_id, depth) AS (
        SELECT customer_id, account_id, account_id, 1 FROM accounts WHERE parent_account_id IS NULL
        UNION ALL
        SELECT accounts.customer_id, tree.root_account_id, accounts.account_id, tree.depth + 1
        FROM tree JOIN accounts
            ON accounts.customer_id = tree.customer_id AND accounts.parent_account_id = tree.account_id
    )
    SELECT tree.customer_id, root_account_id, count(*), max(depth), count(*) FILTER (WHERE state = 'ACTIVE'),
           count(*) FILTER (WHERE payment_responsible)
    FROM tree JOIN accounts ON accounts.customer_id = tree.customer_id AND accounts.account_id = tree.account_id
    GROUP BY 1, 2
    HAVING count(*) > 1
    """,
)

VIEWS = (ACTIVE_CUSTOMERS_BY_MONTH, CUSTOMER_OVERVIEW, ACCOUNTS_BY_BILL_CYCLE, ACCOUNT_TREES)
