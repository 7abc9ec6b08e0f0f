{#- What a status means, in one place. docs/transform.md tells it in words. -#}

{% macro is_completed(status) -%}
    {{ status }} in ('completed', 'passed')
{%- endmacro %}


{% macro is_settled(status) -%}
    {#- Nothing that only follows from a date changes these; `unknown` may be any of them. -#}
    {{ status }} in ('withdrawn', 'failed', 'passed', 'completed', 'expired', 'unknown')
{%- endmacro %}


{% macro status_as_of(status, due_on, expires_on, day) -%}
    {#- The provider's own word, unless a date that has passed says more: the last day in question still counts. -#}
    case
        when {{ is_settled(status) }} then {{ status }}
        when {{ expires_on }} < {{ day }} then 'expired'
        when {{ due_on }} < {{ day }} then 'overdue'
        else {{ status }}
    end
{%- endmacro %}


{% macro effective_progress(status, percent) -%}
    {#- Completed is 100, whatever the provider counts; what is beyond 0 to 100 is taken to the nearer end. -#}
    case
        when {{ is_completed(status) }} then 100.0
        when {{ percent }} < 0 then 0.0
        when {{ percent }} > 100 then 100.0
        else {{ percent }}
    end
{%- endmacro %}
