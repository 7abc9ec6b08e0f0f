with runs as (

    select
        *,
        row_number()
            over (partition by connection_id, resource order by started_at desc, run_id desc)
            as newest
    from {{ ref('stg_lms__sync_runs') }}

),

-- Of a first reading that has not come to its end there may be rows and no run.
present as (

    {% for resource, model in [
        ('users', 'stg_lms__users'),
        ('courses', 'stg_lms__courses'),
        ('course_items', 'stg_lms__course_items'),
        ('course_enrollments', 'stg_lms__course_enrollments'),
    ] -%}
    select
        connection_id,
        '{{ resource }}' as resource,
        count(*) as records_present
    from {{ ref(model) }}
    group by connection_id
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

read_whole as (

    select
        connection_id,
        resource,
        max(started_at) as last_read_whole_at
    from {{ ref('stg_lms__sync_runs') }}
    where run_status = 'done' and run_mode in ('full', 'incremental')
    group by connection_id, resource

)

select
    {{ record_key('runs.connection_id', 'runs.resource') }} as freshness_key,
    runs.connection_id,
    runs.provider,
    runs.resource,
    coalesce(present.records_present, 0) as records_present,
    runs.started_at as last_run_at,
    runs.run_mode as last_run_mode,
    runs.run_status as last_run_status,
    runs.records_read as last_run_records_read,
    runs.records_rejected as last_run_records_rejected,
    runs.fields_rejected as last_run_fields_rejected,
    read_whole.last_read_whole_at,
    cast(extract(epoch from (now() - read_whole.last_read_whole_at)) / 3600.0 as double precision)
        as hours_since_read_whole
from runs
left join present on runs.connection_id = present.connection_id and runs.resource = present.resource
left join read_whole
    on runs.connection_id = read_whole.connection_id and runs.resource = read_whole.resource
where runs.newest = 1
