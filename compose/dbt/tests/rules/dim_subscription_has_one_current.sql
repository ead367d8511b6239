-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, subscription_id FROM {{ source('warehouse', 'dim_subscription') }} GROUP BY customer_id, subscription_id HAVING count(*) FILTER (WHERE is_current) > 1
