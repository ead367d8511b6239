-- Made by `billfold warehouse documents`. Personal data is sealed.
SELECT * FROM {{ source('warehouse', 'dim_customer') }} WHERE name NOT LIKE 'sealed:v1:%'
