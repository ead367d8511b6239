"""Wallets: every entry of their ledgers, whether ledger and balance agree, and what customers could not pay."""

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
    moment,
    text,
    whole,
)

_WALLET = text("wallet_id", "Wallet, unique within the customer")
_CURRENCY = text("currency", "Currency of the wallet, ISO 4217")
_ENTRY = (
    count("entry_number", "1, 2, 3 ... per wallet, without gaps"),
    text("kind", "ACTIVATION, RECURRING, TOP_UP, REMOVAL_REFUND or ADJUSTMENT"),
    amount("amount", "Signed: what left the wallet is below 0; 0 for what is free"),
    _CURRENCY,
    amount("balance_before", "Balance before the entry"),
    amount("balance_after", "Balance after the entry"),
)
_MOMENTS = (
    moment("effective_at", "Since when it counts"),
    OCCURRED,
    SOURCE,
    PERFORMED_BY,
)
_SERVICE = text("service_id", "Service that was paid for, or paid back", required=False)
_REST = (
    day("period_start", "First local day of the billing period; RECURRING only", required=False),
    text("action_id", "The scheduled action that led to it", required=False),
    count("refunds_entry_number", "The entry that is paid back; REMOVAL_REFUND only", required=False),
    text("reference", "The caller's payment reference; TOP_UP only", required=False),
    text("reason", "Adjustment reason of the catalog; ADJUSTMENT only", required=False),
)

LOG_WALLET_ENTRY = Table(
    "log_wallet_entry",
    "Every entry of every wallet's ledger, as its event says it. With the product of refunds: fact_wallet_entry.",
    ("customer_id", "wallet_id", "entry_number"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        _WALLET,
        SUBSCRIPTION,
        *_ENTRY,
        *_MOMENTS,
        _SERVICE,
        text("product", "Product that was paid for; null on refunds", required=False),
        *_REST,
    ),
)

LOG_WALLET = Table(
    "log_wallet",
    "Every version of every wallet, by the transaction that made it.",
    ("customer_id", "wallet_id", "sequence"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        _WALLET,
        SUBSCRIPTION,
        _CURRENCY,
        amount("balance", "Balance after the transaction"),
        count("entry_number", "Number of the last entry; 0 before the first"),
    ),
)

FACT_WALLET_ENTRY = View(
    "fact_wallet_entry",
    "One row per entry of a wallet's ledger.",
    (
        CUSTOMER,
        _WALLET,
        SUBSCRIPTION,
        *_ENTRY,
        _SERVICE,
        text("product", "Product that was paid for, or paid back", required=False),
        *_REST,
        *_MOMENTS,
        SEQUENCE,
        POSITION,
    ),
    """
    SELECT entry.customer_id, wallet_id, entry.subscription_id, entry_number, kind, amount, currency, balance_before,
           balance_after, entry.service_id, coalesce(entry.product, service.product), period_start, action_id,
           refunds_entry_number, reference, reason, effective_at, occurred_at, source, performed_by, entry.sequence,
           entry.position
    FROM log_wallet_entry entry LEFT JOIN log_service service
        ON service.customer_id = entry.customer_id AND service.service_id = entry.service_id
    """,
)

WALLET_RECONCILIATION = View(
    "wallet_reconciliation",
    "Whether the entries of each wallet add up to its balance: difference and missing_entries are always 0.",
    (
        CUSTOMER,
        _WALLET,
        SUBSCRIPTION,
        _CURRENCY,
        whole("entries", "Entries in the ledger"),
        whole("missing_entries", "Number of the last entry, less entries"),
        amount("ledger", "Sum of the entries' signed amounts"),
        amount("balance", "Balance that the wallet itself shows"),
        amount("difference", "ledger - balance"),
    ),
    """
    WITH ledgers AS (
        SELECT customer_id, wallet_id, count(*) AS entries, sum(amount) AS ledger FROM log_wallet_entry GROUP BY ALL
    ), wallets AS (
        SELECT * FROM log_wallet
        QUALIFY row_number() OVER (PARTITION BY customer_id, wallet_id ORDER BY sequence DESC) = 1
    )
    SELECT customer_id, wallet_id, subscription_id, currency, coalesce(entries, 0),
           coalesce(entry_number, 0) - coalesce(entries, 0), coalesce(ledger, 0), balance,
           coalesce(ledger, 0) - coalesce(balance, 0)
    FROM wallets FULL JOIN ledgers USING (customer_id, wallet_id)
    """,
)

SHORTFALLS = View(
    "shortfalls_by_product",
    "What customers wanted and could not pay, by month (UTC) and product: of commands that were refused for want of "
    "money, and of scheduled actions that failed for it. Repeats and previews are not counted.",
    (
        day("month", "First day of the month in which it was refused"),
        text("product", "Product that was to be activated"),
        _CURRENCY,
        whole("wanted", "How often it was among the services of such a request"),
        whole("short", "How often the balance did not cover it"),
        amount("price", "Sum of the prices of all that was wanted"),
        amount("shortfall", "Sum of what was missing"),
    ),
    """
    WITH refusals AS (
        SELECT decided_at AS stopped_at, violations FROM fact_command_outcome
        WHERE status = 'REJECTED' AND NOT repeated AND mode = 'EXECUTE'
        UNION ALL
        SELECT ended_at, violations FROM log_scheduled_action WHERE step = 'FAILED'
    ), broken AS (
        SELECT stopped_at, unnest(from_json(violations, '["json"]')) AS violation FROM refusals
    ), lacking AS (
        SELECT stopped_at, violation -> 'carries' AS carries
        FROM broken WHERE violation ->> 'code' = 'INSUFFICIENT_FUNDS'
    ), services AS (
        SELECT stopped_at, carries ->> 'currency' AS currency,
               unnest(from_json(carries ->> 'per_service', '["json"]')) AS service
        FROM lacking
    ), priced AS (
        SELECT stopped_at, currency, service ->> 'product' AS product, (service ->> 'price')::DECIMAL(38, 9) AS price,
               (service ->> 'shortfall')::DECIMAL(38, 9) AS shortfall
        FROM services
    )
    SELECT date_trunc('month', stopped_at)::DATE, product, currency, count(*), count_if(shortfall > 0), sum(price),
           sum(shortfall)
    FROM priced
    GROUP BY ALL
    """,
)

TABLES = (LOG_WALLET_ENTRY, LOG_WALLET)
VIEWS = (FACT_WALLET_ENTRY, WALLET_RECONCILIATION, SHORTFALLS)
