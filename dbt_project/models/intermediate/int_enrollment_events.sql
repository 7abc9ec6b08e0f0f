-- The moments at which the status of an enrolment was found to be another one, in the order of time.
with versions as (

    select
        versions.*,
        readings.read_whole_at,
        lag(versions.status) over history as status_before,
        lag(versions.mapping_digest) over history as mapping_before,
        lag(versions.valid_to) over history as ended_before
    from {{ ref('stg_lms__course_enrollments_versions') }} as versions
    left join {{ ref('int_mapping_readings') }} as readings
        on
            versions.connection_id = readings.connection_id
            and versions.mapping_digest = readings.mapping_digest
            and readings.resource = 'course_enrollments'
    window
        history as (partition by versions.connection_id, versions.enrollment_id order by versions.valid_from)

),

beginnings as (

    select
        *,
        case
            when ended_before is null then 'appeared'
            when ended_before < valid_from then 'returned'
            when
                mapping_before <> mapping_digest
                and (read_whole_at is null or valid_from <= read_whole_at) then 'remapped'
            else 'changed'
        end as event_type
    from versions
    where ended_before is null or ended_before < valid_from or status is distinct from status_before

)

select
    connection_id,
    provider,
    enrollment_id,
    enrollment_key,
    user_id,
    user_key,
    course_id,
    course_key,
    event_type,
    status,
    status_source,
    valid_from as event_at,
    first_seen_at
from beginnings

union all

select
    connection_id,
    provider,
    enrollment_id,
    enrollment_key,
    user_id,
    user_key,
    course_id,
    course_key,
    'vanished' as event_type,
    null as status,
    null as status_source,
    deleted_at as event_at,
    first_seen_at
from versions
where deleted_at is not null
