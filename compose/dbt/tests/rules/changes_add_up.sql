-- Made by `billfold warehouse documents`. A transaction has as many changes as it counts, and knows all of them.
SELECT * FROM {{ source('warehouse', 'raw_transaction') }} WHERE change_count < 1 OR unknown_events > 0
