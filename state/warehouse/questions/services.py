"""Services across the domains: which leave, which run though nobody pays, and where the network disagrees."""

from __future__ import annotations

from state.warehouse.definitions import CUSTOMER, SUBSCRIPTION, View, day, fraction, moment, text, whole

SERVICE_CHURN_BY_MONTH = View(
    "service_churn_by_month",
    "What share of the services of each product ended in each month (UTC)? A service counts from the first moment that "
    "it was on; one that gave its place to another is swapped, not ended. Months without any of it have no row.",
    (
        day("month", "First day of the month"),
        text("product", "Product"),
        whole("at_begin", "Services that had begun before the month and had not ended"),
        whole("began", "Services that were on for the first time"),
        whole("ended", "Services that were cancelled, regretted or removed"),
        whole("swapped", "Services that gave their place to another"),
        fraction("churn", "ended / at_begin; null where there were none at the begin"),
    ),
    """
    WITH services AS (
        SELECT customer_id, service_id, product,
               date_trunc('month', min(valid_from) FILTER (WHERE state IN ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE')))
                   AS began,
               date_trunc('month', min(valid_from) FILTER (WHERE state IN ('CANCELLED', 'REGRETTED', 'REMOVED')))
                   AS ended,
               date_trunc('month', min(valid_from) FILTER (WHERE state = 'SWAPPED')) AS swapped
        FROM dim_subscription_service
        GROUP BY 1, 2, 3
    ), moves AS (
        SELECT product, began AS month, 1 AS began, 0 AS ended, 0 AS swapped FROM services WHERE began IS NOT NULL
        UNION ALL
        SELECT product, ended, 0, 1, 0 FROM services WHERE began IS NOT NULL AND ended IS NOT NULL
        UNION ALL
        SELECT product, swapped, 0, 0, 1 FROM services WHERE began IS NOT NULL AND swapped IS NOT NULL
    ), months AS (
        SELECT product, month, sum(began) AS began, sum(ended) AS ended, sum(swapped) AS swapped
        FROM moves GROUP BY 1, 2
    ), counted AS (
        SELECT months.*, coalesce(sum(began - ended - swapped) OVER (
            PARTITION BY product ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS at_begin
        FROM months
    )
    SELECT month, product, at_begin, began, ended, swapped, 1.0 * ended / nullif(at_begin, 0) FROM counted
    """,
)

SERVICES_OF_STOPPED_ACCOUNTS = View(
    "services_of_stopped_accounts",
    "Which accounts are suspended or deactivated, and still have services that are on? As things stand.",
    (
        CUSTOMER,
        text("account_id", "Account, unique within the customer"),
        text("account_state", "SUSPENDED or DEACTIVATED"),
        text("reason", "Reason of that state"),
        moment("since", "Since when the account is in that state"),
        whole("subscriptions", "Its subscriptions with services that are on"),
        whole("services_on", "Those services, components of bundles included"),
    ),
    """
    SELECT account.customer_id, account.account_id, account.state, account.reason, account.state_valid_from,
           count(DISTINCT subscription.subscription_id), count(*)
    FROM dim_account AS account
    JOIN dim_subscription AS subscription
        ON subscription.customer_id = account.customer_id AND subscription.account_id = account.account_id
    JOIN dim_subscription_service AS service
        ON service.customer_id = subscription.customer_id
            AND service.subscription_id = subscription.subscription_id
    WHERE account.is_current AND account.state IN ('SUSPENDED', 'DEACTIVATED')
      AND subscription.is_current
      AND service.is_current AND service.state IN ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE')
    GROUP BY 1, 2, 3, 4, 5
    """,
)

SERVICES_AND_NETWORK_DISAGREE = View(
    "services_and_network_disagree",
    "Which services are on though their network was not asked to deliver them, or off though it was? Empty, or a "
    "request is missing; whether a network did what it was asked, `billfold provisioning reconcile` tells.",
    (
        CUSTOMER,
        SUBSCRIPTION,
        text("service_id", "Service, unique within the customer"),
        text("product", "Product"),
        text("provider", "Network"),
        text("state", "State of the service"),
        moment("since", "Since when it is in that state"),
        text("asked_for", "ACTIVE or INACTIVE, as the network was asked last; null if never", required=False),
    ),
    """
    WITH asked AS (
        SELECT customer_id, service_id, desired_state,
               row_number() OVER (PARTITION BY customer_id, service_id ORDER BY version DESC) AS place
        FROM fact_provisioning_request
    )
    SELECT service.customer_id, service.subscription_id, service.service_id, service.product, added.provider,
           service.state, service.valid_from, asked.desired_state
    FROM dim_subscription_service AS service
    JOIN log_service AS added
        ON added.customer_id = service.customer_id AND added.service_id = service.service_id
    LEFT JOIN asked
        ON asked.customer_id = service.customer_id AND asked.service_id = service.service_id AND asked.place = 1
    WHERE service.is_current AND added.provider IS NOT NULL
      AND (service.state IN ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE')) <> (coalesce(asked.desired_state, '') = 'ACTIVE')
    """,
)

VIEWS = (SERVICE_CHURN_BY_MONTH, SERVICES_OF_STOPPED_ACCOUNTS, SERVICES_AND_NETWORK_DISAGREE)
