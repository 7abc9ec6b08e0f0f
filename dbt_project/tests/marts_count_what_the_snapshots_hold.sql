-- Each mart holds exactly what the snapshot tables do, by connection: nothing lost on the way, nothing twice.
{%- set present = 'count(*) filter (where valid_to is null)' %}
{%- set at_the_end_of_the_day -%}
count(*) filter (
    where valid_from < {{ end_of_day(as_of_day()) }}
    and (valid_to is null or valid_to >= {{ end_of_day(as_of_day()) }})
)
{%- endset %}
{%- set seen = 'count(distinct id)' %}
{%- set checks = [
    ('present users', 'users', present, 'dim_users', 'count(*) filter (where not is_deleted and not is_inferred)'),
    ('users ever seen', 'users', seen, 'dim_users', 'count(*) filter (where not is_inferred)'),
    ('present courses', 'courses', present, 'dim_courses',
     'count(*) filter (where not is_deleted and not is_inferred)'),
    ('courses ever seen', 'courses', seen, 'dim_courses', 'count(*) filter (where not is_inferred)'),
    ('items', 'course_items', present, 'course_content', 'count(*)'),
    ('enrolments', 'course_enrollments', present, 'fct_course_enrollments', 'count(*)'),
    ('enrolments by course', 'course_enrollments', present, 'course_completion', 'sum(enrollments)'),
    ('enrolments by learner', 'course_enrollments', present, 'learner_progress', 'sum(enrollments)'),
    ('enrolments that came, less those that went', 'course_enrollments', present, 'fct_enrollment_status_changes',
     "count(*) filter (where from_status is null) - count(*) filter (where to_status is null)"),
    ('enrolments at the end of the day', 'course_enrollments', at_the_end_of_the_day, 'enrollments_as_of',
     'count(*)'),
] %}
with
{% for what, resource, in_snapshots, mart, in_mart in checks %}
snapshots_{{ loop.index }} as (

    select
        connection_id,
        {{ in_snapshots }} as records
    from {{ ref('base_lms__' ~ resource ~ '_snapshots') }}
    group by connection_id

),

mart_{{ loop.index }} as (

    select
        connection_id,
        {{ in_mart }} as records
    from {{ ref(mart) }}
    {% if mart == 'enrollments_as_of' -%}
    where as_of_date = {{ as_of_day() }}
    {% endif -%}
    group by connection_id

),

{% endfor %}
compared as (

    {% for what, resource, in_snapshots, mart, in_mart in checks -%}
    select
        '{{ what }}' as what,
        coalesce(snapshots_{{ loop.index }}.connection_id, mart_{{ loop.index }}.connection_id)
            as connection_id,
        coalesce(snapshots_{{ loop.index }}.records, 0) as in_snapshots,
        coalesce(mart_{{ loop.index }}.records, 0) as in_mart
    from snapshots_{{ loop.index }}
    full outer join mart_{{ loop.index }}
        on snapshots_{{ loop.index }}.connection_id = mart_{{ loop.index }}.connection_id
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from compared
where in_snapshots <> in_mart
