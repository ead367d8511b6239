-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, order_id FROM {{ source('warehouse', 'dim_order') }} GROUP BY customer_id, order_id HAVING count(*) FILTER (WHERE is_current) > 1
