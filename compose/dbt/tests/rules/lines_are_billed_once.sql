-- Made by `billfold warehouse documents`. No line of an order reaches the billing system twice.
SELECT customer_id, line_id FROM {{ source('warehouse', 'log_order_line_step') }} WHERE step = 'LOCKED' GROUP BY customer_id, line_id HAVING count(*) > 1
