-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, item_id FROM {{ source('warehouse', 'dim_installed_item') }} GROUP BY customer_id, item_id HAVING count(*) FILTER (WHERE is_current) > 1
