-- Made by `billfold warehouse documents`. No payment of an order is recorded twice.
SELECT customer_id, payment_id FROM {{ source('warehouse', 'log_payment') }} WHERE state = 'RECORDED' GROUP BY customer_id, payment_id HAVING count(*) > 1
