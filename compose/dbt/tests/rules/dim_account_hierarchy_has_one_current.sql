-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, child_account_id FROM {{ source('warehouse', 'dim_account_hierarchy') }} GROUP BY customer_id, child_account_id HAVING count(*) FILTER (WHERE is_current) > 1
