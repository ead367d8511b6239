-- Made by `billfold warehouse documents`. Personal data is sealed.
SELECT * FROM {{ source('warehouse', 'dim_installed_item') }} WHERE serial_number NOT LIKE 'sealed:v1:%'
