"""Payments that were taken with orders, and the orders that still wait for one."""

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
    fraction,
    moment,
    text,
    whole,
)

_PAYMENT = text("payment_id", "The CRM's id of the payment, unique within the customer")
_ORDER = text("order_id", "Order that it was taken with")
_STATE = text("state", "RECORDED, FAILED or REVERSED")
_PROFILE = text("billing_profile_id", "Billing profile that it belongs to", required=False)
_ACCOUNT = text("account_id", "Account of that profile; null as long as nothing was recorded", required=False)
_AMOUNT = amount("amount", "What was taken; null as long as nothing was", required=False)
_CURRENCY = text("currency", "Currency of the amount, ISO 4217", required=False)
_RECEIVED = moment("received_at", "When the CRM took it", required=False)
_FAILURE = text("failure_reason", "Code of the CRM, for instance PAYMENT_NOT_FOUND", required=False)
_DISPOSITION = text("disposition", "What a reversal asks for: REFUND or CREDIT", required=False)

LOG_PAYMENT = Table(
    "log_payment",
    "Every event in the life of a payment. How each stands: fact_payment.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        _PAYMENT,
        _ORDER,
        _STATE,
        _PROFILE,
        moment("happened_at", "When it was booked, failed or was given back"),
        OCCURRED,
        SOURCE,
        PERFORMED_BY,
        _ACCOUNT,
        _AMOUNT,
        _CURRENCY,
        _RECEIVED,
        _FAILURE,
        _DISPOSITION,
        text("reason", "Why it is given back; REVERSED only", required=False),
    ),
)

FACT_PAYMENT = View(
    "fact_payment",
    "One row per payment that was taken with an order, as it stands.",
    (
        CUSTOMER,
        _PAYMENT,
        _ORDER,
        _STATE,
        _PROFILE,
        _ACCOUNT,
        _AMOUNT,
        _CURRENCY,
        _RECEIVED,
        moment("recorded_at", "When it was booked", required=False),
        moment("failed_at", "When it failed last", required=False),
        _FAILURE,
        moment("reversed_at", "When it was given back", required=False),
        _DISPOSITION,
        fraction("hours_from_order", "Hours from the submission of the order to the booking; null until it is booked"),
        whole("failures", "How many times it failed"),
        SOURCE,
        PERFORMED_BY,
    ),
    """
    WITH latest AS (
        SELECT customer_id, payment_id, order_id, state, billing_profile_id, source, performed_by,
               row_number() OVER (PARTITION BY customer_id, payment_id ORDER BY sequence DESC, position DESC) AS age
        FROM log_payment
    ), told AS (
        SELECT customer_id, payment_id, max(account_id) AS account_id,
               max(amount) FILTER (WHERE state = 'RECORDED') AS amount, max(currency) AS currency,
               max(received_at) AS received_at, max(happened_at) FILTER (WHERE state = 'RECORDED') AS recorded_at,
               max(happened_at) FILTER (WHERE state = 'FAILED') AS failed_at,
               count(*) FILTER (WHERE state = 'FAILED') AS failures, max(disposition) AS disposition,
               max(happened_at) FILTER (WHERE state = 'REVERSED') AS reversed_at
        FROM log_payment GROUP BY 1, 2
    ), failed AS (
        SELECT customer_id, payment_id, failure_reason,
               row_number() OVER (PARTITION BY customer_id, payment_id ORDER BY sequence DESC, position DESC) AS age
        FROM log_payment WHERE state = 'FAILED'
    ), submitted AS (
        SELECT customer_id, order_id, min(submitted_at) AS submitted_at FROM log_order GROUP BY 1, 2
    )
    SELECT latest.customer_id, latest.payment_id, latest.order_id, latest.state, billing_profile_id, account_id, amount,
           currency, received_at, recorded_at, failed_at, failure_reason, reversed_at, disposition,
           (extract(epoch FROM recorded_at) - extract(epoch FROM submitted_at)) / 3600, failures, source, performed_by
    FROM latest
    JOIN told ON told.customer_id = latest.customer_id AND told.payment_id = latest.payment_id
    LEFT JOIN failed ON failed.customer_id = latest.customer_id AND failed.payment_id = latest.payment_id
        AND failed.age = 1
    LEFT JOIN submitted ON submitted.customer_id = latest.customer_id AND submitted.order_id = latest.order_id
    WHERE latest.age = 1
    """,
)

AWAITING_PAYMENT = View(
    "orders_awaiting_payment",
    "Orders whose customer data is complete but for the payment, and for how long they have been so.",
    (
        CUSTOMER,
        _ORDER,
        text("state", "SUBMITTED, IN_PROGRESS or PARTIALLY_BILLED; COMPLETED where it was billed all the same"),
        text("payment_billing_profile_id", "Profile that the payment will belong to", required=False),
        moment("waiting_since", "Since when"),
        whole("hours_waiting", "Full hours since then, until now"),
        moment("submitted_at", "When the order was put in flight"),
        whole("failed_payments", "Payments that failed so far"),
    ),
    """
    WITH before AS (
        SELECT customer_id, order_id, max(sequence) AS sequence FROM dim_order
        WHERE account_sync <> 'AWAITING_PAYMENT' GROUP BY 1, 2
    ), since AS (
        SELECT version.customer_id, version.order_id, min(version.valid_from) AS waiting_since
        FROM dim_order AS version
        LEFT JOIN before ON before.customer_id = version.customer_id AND before.order_id = version.order_id
        WHERE account_sync = 'AWAITING_PAYMENT' AND version.sequence > coalesce(before.sequence, 0)
        GROUP BY 1, 2
    ), failed AS (
        SELECT customer_id, order_id, count(*) AS payments FROM fact_payment WHERE state = 'FAILED' GROUP BY 1, 2
    )
    SELECT dim_order.customer_id, dim_order.order_id, state, payment_billing_profile_id, waiting_since,
           floor((extract(epoch FROM now()) - extract(epoch FROM waiting_since)) / 3600), submitted_at,
           coalesce(payments, 0)
    FROM dim_order
    JOIN since ON since.customer_id = dim_order.customer_id AND since.order_id = dim_order.order_id
    LEFT JOIN failed ON failed.customer_id = dim_order.customer_id AND failed.order_id = dim_order.order_id
    WHERE is_current AND account_sync = 'AWAITING_PAYMENT' AND state <> 'CANCELLED'
    """,
)

TABLES = (LOG_PAYMENT,)
VIEWS = (FACT_PAYMENT, AWAITING_PAYMENT)
