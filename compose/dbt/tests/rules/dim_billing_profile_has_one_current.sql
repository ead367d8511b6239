-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, billing_profile_id FROM {{ source('warehouse', 'dim_billing_profile') }} GROUP BY customer_id, billing_profile_id HAVING count(*) FILTER (WHERE is_current) > 1
