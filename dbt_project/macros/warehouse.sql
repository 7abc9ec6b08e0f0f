{#- What differs between a warehouse that holds everything and one that has only begun. -#}

{% macro snapshot(name) %}
    {#-
        A table of the connector's: what is there, and typed nulls for columns, or a table, that no run has made yet.
        The columns are those that the source declares.
    -#}
    {%- if not execute -%}
        select * from {{ source('lms', name) }}
    {%- else -%}
        {%- set declared = graph.sources['source.unified_lms.lms.' ~ name].columns.values() -%}
        {%- set relation = load_relation(source('lms', name)) -%}
        {%- set present = [] -%}
        {%- if relation -%}
            {%- set present = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
        {%- endif -%}
        select
            {%- for column in declared %}
            {% if column.name in present -%}
                {{ adapter.quote(column.name) }}
            {%- else -%}
                cast(null as {{ type_of(column.data_type) }}) as {{ adapter.quote(column.name) }}
            {%- endif -%}
            {{ ',' if not loop.last }}
            {%- endfor %}
        {% if relation -%}
        from {{ relation }}
        {%- else -%}
        where 1 = 0
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro model_fields(resource) -%}
    {#- The columns of a snapshot table that are fields of the unified model, as the source marks them: `a,b,c`. -#}
    {%- set fields = [] -%}
    {%- if execute -%}
        {%- for column in graph.sources['source.unified_lms.lms.' ~ resource ~ '_snapshots'].columns.values() -%}
            {%- do fields.append(column.name) if column.config.meta.model_field -%}
        {%- endfor -%}
    {%- else -%}
        {%- do fields.append('id') -%}
    {%- endif -%}
    {{- fields | join(',') -}}
{%- endmacro %}


{% macro type_of(data_type) -%}
    {#- The database's name for one of dlt's types. -#}
    {%- set names = {
        'text': 'varchar', 'bigint': 'bigint', 'double': 'double precision', 'bool': 'boolean',
        'timestamp': 'timestamp with time zone', 'json': 'json'
    } -%}
    {{ 'jsonb' if data_type == 'json' and target.type == 'postgres' else names[data_type] }}
{%- endmacro %}


{% macro record_key(connection_id, id) -%}
    {#- A record's key across connections. No connection's name holds a slash, so no two records share a key. -#}
    {{ connection_id }} || '/' || {{ id }}
{%- endmacro %}


{% macro primary_email(emails) -%}
    {#- The address marked as primary, else the first one, of a JSON list of `{email, type, is_primary}`. -#}
    {%- if target.type == 'postgres' -%}
        (
            select entry.value ->> 'email'
            from jsonb_array_elements(cast({{ emails }} as jsonb)) with ordinality as entry (value, place)
            order by coalesce(cast(entry.value ->> 'is_primary' as boolean), false) desc, entry.place
            limit 1
        )
    {%- else -%}
        coalesce(
            json_extract_string(
                list_filter(
                    cast({{ emails }} as json []), lambda entry: entry ->> 'is_primary' = 'true'
                )[1], '$.email'
            ),
            json_extract_string({{ emails }}, '$[0].email')
        )
    {%- endif -%}
{%- endmacro %}


{% macro instant_of(text) -%}
    {#- The instant that an RFC 3339 text names; null where it names none. -#}
    {%- if target.type == 'postgres' -%}
        case
            when {{ text }} ~ '^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$'
                then cast({{ text }} as timestamp with time zone)
        end
    {%- else -%}
        try_cast({{ text }} as timestamp with time zone)
    {%- endif -%}
{%- endmacro %}


{% macro days_between(first, last) -%}
    {#- A row for each day from `first` to `last`, both of them scalar dates: an expression for the select list. -#}
    {%- if target.type == 'postgres' -%}
        cast(generate_series({{ first }}, {{ last }}, interval '1 day') as date)
    {%- else -%}
        cast(unnest(generate_series({{ first }}, {{ last }}, interval '1 day')) as date)
    {%- endif -%}
{%- endmacro %}
