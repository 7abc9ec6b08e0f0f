{#- Instants become days in one zone, the project's, and never in that of the session. -#}

{% macro day_of(instant) -%}
    cast(({{ instant }}) at time zone '{{ var("time_zone", "UTC") }}' as date)
{%- endmacro %}


{% macro end_of_day(day) -%}
    {#- The instant at which the next day begins; a day is the half open interval up to it. -#}
    cast(({{ day }} + 1) as timestamp) at time zone '{{ var("time_zone", "UTC") }}'
{%- endmacro %}


{% macro as_of_day() -%}
    {%- if var('as_of', '') -%}
        cast('{{ var("as_of", "") }}' as date)
    {%- else -%}
        {{ day_of('now()') }}
    {%- endif -%}
{%- endmacro %}


{% macro days_from(first, last) -%}
    {#- Days between two instants with their fraction; null where the second is before the first. -#}
    case
        when {{ last }} >= {{ first }}
            then cast(extract(epoch from ({{ last }} - {{ first }})) as double precision) / 86400
    end
{%- endmacro %}
