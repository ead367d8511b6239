{# Rows in which a column that must be filled is null. #}
{% test filled(model, columns) %}
SELECT * FROM {{ model }}
WHERE {% for column in columns %}"{{ column }}" IS NULL{% if not loop.last %} OR {% endif %}{% endfor %}
{% endtest %}
