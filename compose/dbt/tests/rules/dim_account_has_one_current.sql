-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, account_id FROM {{ source('warehouse', 'dim_account') }} GROUP BY customer_id, account_id HAVING count(*) FILTER (WHERE is_current) > 1
