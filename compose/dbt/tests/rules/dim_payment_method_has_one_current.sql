-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, payment_method_id FROM {{ source('warehouse', 'dim_payment_method') }} GROUP BY customer_id, payment_method_id HAVING count(*) FILTER (WHERE is_current) > 1
