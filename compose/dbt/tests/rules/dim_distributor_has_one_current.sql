-- Made by `billfold warehouse documents`. Nothing has more than one current version.
SELECT customer_id, distributor_id FROM {{ source('warehouse', 'dim_distributor') }} GROUP BY customer_id, distributor_id HAVING count(*) FILTER (WHERE is_current) > 1
