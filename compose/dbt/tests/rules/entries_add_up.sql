-- Made by `billfold warehouse documents`. Every entry of a wallet leads from the balance before to the balance after.
SELECT * FROM {{ source('warehouse', 'log_wallet_entry') }} WHERE balance_before + amount <> balance_after
