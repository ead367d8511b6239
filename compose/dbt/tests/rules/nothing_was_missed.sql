-- Made by `billfold warehouse documents`. The sink met no transaction that did not continue its customer's sequence.
SELECT * FROM {{ source('warehouse', 'sink_gap') }}
