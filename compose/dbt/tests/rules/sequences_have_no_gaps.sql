-- Made by `billfold warehouse documents`. The transactions of every customer are numbered 1, 2, 3 ... without gaps.
SELECT customer_id FROM {{ source('warehouse', 'raw_transaction') }} GROUP BY customer_id HAVING min(sequence) <> 1 OR max(sequence) <> count(*)
