-- Accounts as they stand, with what hangs on them. Personal data stays where it is: sealed, in the warehouse.
SELECT account.customer_id, account.account_id, account.type, account.segment, account.state, account.bill_cycle,
       account.currency, account.parent_account_id, count(DISTINCT subscription.subscription_id) AS subscriptions,
       count(service.service_id) AS services_on
FROM {{ source('warehouse', 'dim_account') }} AS account
LEFT JOIN {{ source('warehouse', 'dim_subscription') }} AS subscription
    ON subscription.customer_id = account.customer_id AND subscription.account_id = account.account_id
        AND subscription.is_current
LEFT JOIN {{ source('warehouse', 'dim_subscription_service') }} AS service
    ON service.customer_id = subscription.customer_id AND service.subscription_id = subscription.subscription_id
        AND service.is_current AND service.state IN ('EFFECTIVE', 'SHORT_TERM_EFFECTIVE')
WHERE account.is_current AND NOT account.test_account
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
