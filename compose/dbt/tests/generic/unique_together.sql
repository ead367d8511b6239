{# Keys that stand there more than once; a null equals a null. #}
{% test unique_together(model, columns) %}
{% set key %}{% for column in columns %}"{{ column }}"{% if not loop.last %}, {% endif %}{% endfor %}{% endset %}
SELECT {{ key }} FROM {{ model }} GROUP BY {{ key }} HAVING count(*) > 1
{% endtest %}
