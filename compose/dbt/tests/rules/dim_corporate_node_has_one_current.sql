-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, corporate_account_id, node_account_id FROM {{ source('warehouse', 'dim_corporate_node') }} GROUP BY customer_id, corporate_account_id, node_account_id HAVING count(*) FILTER (WHERE is_current) > 1
