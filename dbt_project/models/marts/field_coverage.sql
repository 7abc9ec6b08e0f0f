-- How many of the present records have each field of the unified model.
{%- set resources = ['users', 'courses', 'course_items', 'course_enrollments'] %}
{%- set rows = [] %}
with
{% for resource in resources %}
{{ resource }}_counted as (

    select
        connection_id,
        {%- for field in model_fields(resource).split(',') %}
        count({{ field }}) as {{ field }},
        {%- do rows.append({'resource': resource, 'field': field}) %}
        {%- endfor %}
        max(provider) as provider,
        count(*) as records
    from {{ ref('base_lms__' ~ resource ~ '_snapshots') }}
    where valid_to is null
    group by connection_id

),
{% endfor %}
unpivoted as (

    {% for row in rows -%}
    select
        connection_id,
        provider,
        '{{ row.resource }}' as resource,
        '{{ row.field }}' as field,
        records,
        {{ row.field }} as filled
    from {{ row.resource }}_counted
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    {{ record_key('connection_id', "resource || '.' || field") }} as field_coverage_key,
    connection_id,
    provider,
    resource,
    field,
    records,
    filled,
    {{ share('filled', 'records') }} as filled_share
from unpivoted
