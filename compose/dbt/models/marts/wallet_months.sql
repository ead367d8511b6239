-- Money in wallets by month and currency, and what it adds up to since the beginning.
SELECT month, currency, topped_up, spent, refunded, adjusted, net,
       sum(net) OVER (PARTITION BY currency ORDER BY month) AS held_at_end
FROM {{ source('warehouse', 'wallet_money_by_month') }}
