{#-
    The metrics, each defined once. They are aggregates over rows of `fct_course_enrollments` or `compliance`, and every
    mart that shows one calls it here. The words are in models/metrics.md, which the documents and the report repeat.
-#}

{% macro learners() -%}
    count(*) filter (where is_counted)
{%- endmacro %}


{% macro started_learners() -%}
    count(*) filter (where is_counted and is_started)
{%- endmacro %}


{% macro completed_learners() -%}
    count(*) filter (where is_counted and is_completed)
{%- endmacro %}


{% macro overdue_learners() -%}
    count(*) filter (where is_counted and is_overdue)
{%- endmacro %}


{% macro dropped_off_learners() -%}
    count(*) filter (where is_counted and is_dropped_off)
{%- endmacro %}


{% macro completion_rate() -%}
    {{ share(completed_learners(), learners()) }}
{%- endmacro %}


{% macro drop_off_rate() -%}
    {{ share(dropped_off_learners(), started_learners()) }}
{%- endmacro %}


{% macro median_days_to_complete() -%}
    percentile_cont(0.5) within group (order by days_to_complete)
    filter (where is_counted and is_completed and days_to_complete is not null)
{%- endmacro %}


{% macro average_progress() -%}
    avg(effective_progress_percent) filter (where is_counted)
{%- endmacro %}


{% macro compliance_rate() -%}
    {{ share("count(*) filter (where compliance_status = 'compliant')", 'count(*)') }}
{%- endmacro %}


{% macro share(part, whole) -%}
    cast({{ part }} as double precision) / nullif({{ whole }}, 0)
{%- endmacro %}
