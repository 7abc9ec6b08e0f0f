-- What happened on each day. An event that several versions of an enrolment tell of counts once.
with versions as (

    select * from {{ ref('stg_lms__course_enrollments_versions') }}

),

events as (

    {% for event, instant in [
        ('enrolled', 'coalesce(enrolled_at, assigned_at)'),
        ('started', 'started_at'),
        ('active', 'last_activity_at'),
        ('completed', 'completed_at'),
    ] -%}
    select distinct
        connection_id,
        provider,
        enrollment_id,
        user_id,
        '{{ event }}' as event,
        {{ day_of(instant) }} as activity_date
    from versions
    where {{ instant }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    {{ record_key('connection_id', 'cast(activity_date as varchar)') }} as daily_activity_key,
    connection_id,
    max(provider) as provider,
    activity_date,
    count(*) filter (where event = 'enrolled') as enrolled,
    count(*) filter (where event = 'started') as started,
    count(*) filter (where event = 'completed') as completed,
    count(distinct case when event <> 'enrolled' then user_id end) as active_learners
from events
group by connection_id, activity_date
