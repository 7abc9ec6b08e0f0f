with enrollments as (

    select
        connection_id,
        course_key,
        count(*) as enrollments,
        {{ learners() }} as learners,
        {{ started_learners() }} as started_learners,
        {{ completed_learners() }} as completed_learners,
        count(*) filter (where is_counted and status = 'failed') as failed_learners,
        {{ overdue_learners() }} as overdue_learners,
        {{ dropped_off_learners() }} as dropped_off_learners,
        {{ completion_rate() }} as completion_rate,
        {{ drop_off_rate() }} as drop_off_rate,
        {{ average_progress() }} as average_progress_percent,
        {{ median_days_to_complete() }} as median_days_to_complete,
        max(as_of_date) as as_of_date
    from {{ ref('fct_course_enrollments') }}
    group by connection_id, course_key

)

select
    courses.course_key,
    courses.connection_id,
    courses.provider,
    courses.course_title,
    courses.is_deleted,
    coalesce(enrollments.enrollments, 0) as enrollments,
    coalesce(enrollments.learners, 0) as learners,
    coalesce(enrollments.started_learners, 0) as started_learners,
    coalesce(enrollments.completed_learners, 0) as completed_learners,
    coalesce(enrollments.failed_learners, 0) as failed_learners,
    coalesce(enrollments.overdue_learners, 0) as overdue_learners,
    coalesce(enrollments.dropped_off_learners, 0) as dropped_off_learners,
    enrollments.completion_rate,
    enrollments.drop_off_rate,
    enrollments.average_progress_percent,
    enrollments.median_days_to_complete,
    coalesce(enrollments.as_of_date, {{ as_of_day() }}) as as_of_date
from {{ ref('dim_courses') }} as courses
left join enrollments
    on courses.connection_id = enrollments.connection_id and courses.course_key = enrollments.course_key
