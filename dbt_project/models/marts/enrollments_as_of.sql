{{ config(materialized='view') }}
-- A row for each day since the first reading and each enrolment there was at its end: always filter by `as_of_date`.
with days as (

    select date_day
    from {{ ref('dim_dates') }}
    where
        date_day <= {{ as_of_day() }}
        and date_day
        >= (select min({{ day_of('valid_from') }}) from {{ ref('stg_lms__course_enrollments_versions') }})

),

versions as (

    select
        *,
        {{ day_of('due_at') }} as due_on,
        {{ day_of('expires_at') }} as expires_on
    from {{ ref('stg_lms__course_enrollments_versions') }}

)

select
    days.date_day as as_of_date,
    versions.connection_id,
    versions.provider,
    versions.enrollment_id,
    versions.enrollment_key,
    versions.user_key,
    versions.course_key,
    versions.status,
    versions.status_source,
    {{ status_as_of('versions.status', 'versions.due_on', 'versions.expires_on', 'days.date_day') }}
        as status_as_of,
    versions.progress_percent,
    {{ effective_progress('versions.status', 'versions.progress_percent') }} as effective_progress_percent,
    versions.score,
    versions.due_at,
    versions.completed_at,
    versions.valid_from,
    versions.valid_to
from days
inner join versions
    on
        versions.valid_from < {{ end_of_day('days.date_day') }}
        and (versions.valid_to is null or versions.valid_to >= {{ end_of_day('days.date_day') }})
