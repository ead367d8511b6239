-- Made by `billfold warehouse documents`. Personal data is sealed.
SELECT * FROM {{ source('warehouse', 'log_installed_item') }} WHERE serial_number NOT LIKE 'sealed:v1:%'
