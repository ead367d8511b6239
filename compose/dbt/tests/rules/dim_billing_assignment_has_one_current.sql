-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, service_id FROM {{ source('warehouse', 'dim_billing_assignment') }} GROUP BY customer_id, service_id HAVING count(*) FILTER (WHERE is_current) > 1
