with enrollments as (

    select
        connection_id,
        user_key,
        count(*) as enrollments,
        count(*) filter (where is_counted) as courses,
        count(*) filter (where is_counted and is_started) as started_courses,
        count(*) filter (where is_counted and is_completed) as completed_courses,
        count(*) filter (where is_counted and is_overdue) as overdue_courses,
        {{ completion_rate() }} as completion_rate,
        {{ average_progress() }} as average_progress_percent,
        cast(sum(time_spent_seconds) as bigint) as time_spent_seconds,
        max(last_activity_at) as last_activity_at,
        max(completed_at) as last_completed_at
    from {{ ref('fct_course_enrollments') }}
    group by connection_id, user_key

)

select
    users.user_key,
    users.connection_id,
    users.provider,
    users.person_key,
    users.user_name,
    users.organization_id,
    users.organization_name,
    users.manager_id,
    users.manager_name,
    users.user_status,
    users.is_deleted,
    coalesce(enrollments.enrollments, 0) as enrollments,
    coalesce(enrollments.courses, 0) as courses,
    coalesce(enrollments.started_courses, 0) as started_courses,
    coalesce(enrollments.completed_courses, 0) as completed_courses,
    coalesce(enrollments.overdue_courses, 0) as overdue_courses,
    enrollments.completion_rate,
    enrollments.average_progress_percent,
    enrollments.time_spent_seconds,
    enrollments.last_activity_at,
    enrollments.last_completed_at
from {{ ref('dim_users') }} as users
left join enrollments
    on users.connection_id = enrollments.connection_id and users.user_key = enrollments.user_key
