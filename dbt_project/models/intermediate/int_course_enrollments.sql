-- One present enrolment each, with what only follows from a date or from the learner's other attempts.
with enrollments as (

    select
        *,
        {{ day_of('due_at') }} as due_on,
        {{ day_of('expires_at') }} as expires_on,
        {{ day_of('coalesce(enrolled_at, assigned_at)') }} as enrolled_on,
        {{ day_of('started_at') }} as started_on,
        {{ day_of('completed_at') }} as completed_on,
        {{ day_of('last_activity_at') }} as last_activity_on,
        row_number() over (
            partition by connection_id, user_id, course_id
            order by
                attempt_number desc nulls last,
                coalesce(enrolled_at, assigned_at, started_at, created_at) desc nulls last,
                first_seen_at desc,
                enrollment_id desc
        ) as newest
    from {{ ref('stg_lms__course_enrollments') }}

),

derived as (

    select
        *,
        {{ as_of_day() }} as as_of_date,
        {{ status_as_of('status', 'due_on', 'expires_on', as_of_day()) }} as status_as_of,
        {{ effective_progress('status', 'progress_percent') }} as effective_progress_percent,
        {{ is_completed('status') }} as is_completed,
        newest = 1 as is_latest_attempt
    from enrollments

)

select
    *,
    is_latest_attempt and status <> 'withdrawn' as is_counted,
    is_completed
    or status in ('in_progress', 'failed')
    or started_at is not null
    or coalesce(effective_progress_percent, 0) > 0 as is_started,
    status_as_of = 'overdue' as is_overdue,
    status_as_of = 'expired' as is_expired,
    case
        when is_completed
            then {{ days_from('coalesce(enrolled_at, assigned_at, started_at)', 'completed_at') }}
    end as days_to_complete
from derived
