select
    enrollments.enrollment_key,
    enrollments.connection_id,
    enrollments.provider,
    enrollments.enrollment_id,
    enrollments.user_key,
    enrollments.course_key,
    users.person_key,

    -- state, as the provider says and as of a day
    enrollments.status,
    enrollments.status_source,
    enrollments.as_of_date,
    enrollments.status_as_of,
    enrollments.is_started,
    enrollments.is_completed,
    enrollments.is_overdue,
    enrollments.is_expired,
    enrollments.is_started
    and not enrollments.is_completed
    and enrollments.status not in ('failed', 'withdrawn', 'unknown')
    and enrollments.last_activity_on < enrollments.as_of_date - {{ var('drop_off_days') }} as is_dropped_off,

    -- attempts
    enrollments.attempt_number,
    enrollments.attempts_count,
    enrollments.is_latest_attempt,
    enrollments.is_counted,

    -- what was learnt
    enrollments.progress_percent,
    enrollments.effective_progress_percent,
    enrollments.score,
    enrollments.time_spent_seconds,
    enrollments.days_to_complete,
    enrollments.is_mandatory,
    enrollments.assigned_by_id,
    enrollments.assigned_by_name,

    -- instants, and their days in the project's zone
    enrollments.assigned_at,
    enrollments.due_at,
    enrollments.enrolled_at,
    enrollments.started_at,
    enrollments.last_activity_at,
    enrollments.completed_at,
    enrollments.expires_at,
    enrollments.enrolled_on,
    enrollments.started_on,
    enrollments.completed_on,
    enrollments.last_activity_on,
    enrollments.due_on,
    enrollments.expires_on,

    -- what it hangs on
    users.is_deleted as is_user_deleted,
    courses.is_deleted as is_course_deleted,
    enrollments.first_seen_at
from {{ ref('int_course_enrollments') }} as enrollments
inner join {{ ref('dim_users') }} as users
    on enrollments.connection_id = users.connection_id and enrollments.user_id = users.user_id
inner join {{ ref('dim_courses') }} as courses
    on enrollments.connection_id = courses.connection_id and enrollments.course_id = courses.course_id
