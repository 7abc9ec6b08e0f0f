-- The key of history: one version of a record at a time, each of them longer than nothing.
{% for model, record in [
    ('stg_lms__users_versions', 'user_key'),
    ('stg_lms__courses_versions', 'course_key'),
    ('stg_lms__course_enrollments_versions', 'enrollment_key'),
] -%}
select
    record_key,
    valid_from,
    valid_to
from (
    select
        {{ record }} as record_key,
        valid_from,
        valid_to,
        lead(valid_from) over (partition by {{ record }} order by valid_from) as next_from
    from {{ ref(model) }}
) as versions
where
    valid_to <= valid_from
    or (next_from is not null and (valid_to is null or valid_to > next_from or next_from = valid_from))
{{ 'union all' if not loop.last }}
{% endfor %}
