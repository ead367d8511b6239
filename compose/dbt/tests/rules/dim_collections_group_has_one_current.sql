-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, collections_group_id, member_account_id FROM {{ source('warehouse', 'dim_collections_group') }} GROUP BY customer_id, collections_group_id, member_account_id HAVING count(*) FILTER (WHERE is_current) > 1
