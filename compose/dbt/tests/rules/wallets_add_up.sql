-- Made by `billfold warehouse documents`. The entries of every wallet sum to its balance, and none is missing.
SELECT * FROM {{ source('warehouse', 'wallet_reconciliation') }} WHERE difference <> 0 OR missing_entries <> 0
