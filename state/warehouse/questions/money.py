"""Money: what wallets take in and give out, what products earn, who runs dry, and how large each bill run is."""

from __future__ import annotations

from state.warehouse.definitions import CUSTOMER, SUBSCRIPTION, View, amount, day, text, whole

_WALLET = text("wallet_id", "Wallet, unique within the customer")
_CURRENCY = text("currency", "Currency of the wallets, ISO 4217")

WALLET_MONEY_BY_MONTH = View(
    "wallet_money_by_month",
    "How much was topped up, how much was spent? By month (UTC) in which it counts, and currency; spent is above 0.",
    (
        day("month", "First day of the month"),
        _CURRENCY,
        whole("wallets", "Wallets with an entry"),
        amount("topped_up", "What customers paid in"),
        amount("spent", "What activations and periods took"),
        amount("refunded", "What was paid back for removals"),
        amount("adjusted", "Corrections and goodwill, signed"),
        amount("net", "By how much the balances grew: topped_up - spent + refunded + adjusted"),
    ),
    """
    SELECT date_trunc('month', effective_at), currency, count(DISTINCT (customer_id, wallet_id)),
           coalesce(sum(amount) FILTER (WHERE kind = 'TOP_UP'), 0),
           coalesce(-sum(amount) FILTER (WHERE kind IN ('ACTIVATION', 'RECURRING')), 0),
           coalesce(sum(amount) FILTER (WHERE kind = 'REMOVAL_REFUND'), 0),
           coalesce(sum(amount) FILTER (WHERE kind = 'ADJUSTMENT'), 0),
           sum(amount)
    FROM fact_wallet_entry
    GROUP BY 1, 2
    """,
)

PREPAID_REVENUE_BY_PRODUCT = View(
    "prepaid_revenue_by_product",
    "What does each product earn from wallets? By month (UTC) in which it counts; free ones are there with 0.",
    (
        day("month", "First day of the month"),
        text("product", "Product"),
        _CURRENCY,
        amount("activations", "What activations took"),
        amount("recurring", "What billing periods took"),
        amount("refunded", "What was paid back for removals"),
        amount("earned", "activations + recurring - refunded"),
    ),
    """
    SELECT date_trunc('month', effective_at), product, currency,
           coalesce(-sum(amount) FILTER (WHERE kind = 'ACTIVATION'), 0),
           coalesce(-sum(amount) FILTER (WHERE kind = 'RECURRING'), 0),
           coalesce(sum(amount) FILTER (WHERE kind = 'REMOVAL_REFUND'), 0),
           -sum(amount)
    FROM fact_wallet_entry
    WHERE product IS NOT NULL
    GROUP BY 1, 2, 3
    """,
)

WALLETS_RUNNING_DRY = View(
    "wallets_running_dry",
    "Which wallets could not pay another billing period like the last one they paid? As things stand.",
    (
        CUSTOMER,
        _WALLET,
        SUBSCRIPTION,
        text("currency", "Currency of the wallet, ISO 4217"),
        amount("balance", "Balance now"),
        day("last_period_start", "First local day of the last billing period that it paid"),
        amount("last_period_cost", "What that period took"),
        amount("missing", "last_period_cost - balance"),
    ),
    """
    WITH periods AS (
        SELECT customer_id, wallet_id, period_start, -sum(amount) AS cost,
               row_number() OVER (PARTITION BY customer_id, wallet_id ORDER BY period_start DESC) AS place
        FROM fact_wallet_entry
        WHERE kind = 'RECURRING'
        GROUP BY 1, 2, 3
    )
    SELECT wallet.customer_id, wallet.wallet_id, wallet.subscription_id, wallet.currency, wallet.balance,
           periods.period_start, periods.cost, periods.cost - wallet.balance
    FROM wallet_reconciliation AS wallet
    JOIN periods
        ON periods.customer_id = wallet.customer_id AND periods.wallet_id = wallet.wallet_id AND periods.place = 1
    WHERE periods.cost > wallet.balance
    """,
)

BILL_RUN_LOAD_BY_DAY = View(
    "bill_run_load_by_day",
    "How many billing periods are to be billed on each day? As periods stand now; accounts of tests are left out.",
    (
        day("day", "Local day on which the periods are over: the day after their last"),
        text("bill_cycle", "Cycle that governs them"),
        whole("periods", "Billing periods"),
        whole("short", "Those that are shorter than a full one"),
        whole("final", "Those that are an account's last"),
        whole("payers", "Those of accounts that pay for themselves"),
    ),
    """
    SELECT period."end", period.bill_cycle, count(*), count(*) FILTER (WHERE period.days < period.of_days),
           count(*) FILTER (WHERE period.kind = 'FINAL'), count(*) FILTER (WHERE account.payment_responsible)
    FROM fact_billing_period AS period
    JOIN dim_account AS account
        ON account.customer_id = period.customer_id AND account.account_id = period.account_id
    WHERE account.is_current AND NOT account.test_account
    GROUP BY 1, 2
    """,
)

VIEWS = (WALLET_MONEY_BY_MONTH, PREPAID_REVENUE_BY_PRODUCT, WALLETS_RUNNING_DRY, BILL_RUN_LOAD_BY_DAY)
