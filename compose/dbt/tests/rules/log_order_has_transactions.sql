-- Made by `billfold warehouse documents`. Every row comes from a transaction that is here.
SELECT * FROM {{ source('warehouse', 'log_order') }} AS told WHERE NOT EXISTS (SELECT 1 FROM {{ source('warehouse', 'raw_transaction') }} AS raw WHERE raw.kafka_partition = told.kafka_partition AND raw.kafka_offset = told.kafka_offset AND raw.customer_id = told.customer_id AND raw.sequence = told.sequence)
