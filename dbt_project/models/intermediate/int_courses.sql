-- Every course that is known: as last seen, the vanished among them, and those that only other records name.
with versions as (

    select
        *,
        row_number() over (partition by connection_id, course_id order by valid_from desc) as newest
    from {{ ref('stg_lms__courses_versions') }}

),

seen as (

    select * from versions
    where newest = 1

),

mentions as (

    select
        connection_id,
        provider,
        course_id,
        course_key,
        course_title,
        first_seen_at,
        valid_from
    from {{ ref('stg_lms__course_enrollments_versions') }}

    union all

    select
        connection_id,
        provider,
        course_id,
        course_key,
        course_title,
        first_seen_at,
        valid_from
    from {{ ref('stg_lms__course_items') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by connection_id, course_id order by valid_from desc, course_title asc
        ) as newest
    from mentions

),

inferred as (

    select numbered.*
    from numbered
    left join seen on numbered.connection_id = seen.connection_id and numbered.course_id = seen.course_id
    where numbered.newest = 1 and seen.course_id is null

)

select
    connection_id,
    course_id,
    course_key,
    provider,
    course_title,
    course_code,
    course_type,
    course_type_source,
    course_status,
    course_status_source,
    course_level,
    course_level_source,
    language,
    duration_seconds,
    first_category_name,
    organization_id,
    organization_name,
    published_at,
    created_at,
    updated_at,
    first_seen_at,
    deleted_at,
    valid_to is not null as is_deleted,
    false as is_inferred
from seen

union all

select
    connection_id,
    course_id,
    course_key,
    provider,
    course_title,
    null as course_code,
    null as course_type,
    null as course_type_source,
    null as course_status,
    null as course_status_source,
    null as course_level,
    null as course_level_source,
    null as language,
    null as duration_seconds,
    null as first_category_name,
    null as organization_id,
    null as organization_name,
    null as published_at,
    null as created_at,
    null as updated_at,
    first_seen_at,
    null as deleted_at,
    false as is_deleted,
    true as is_inferred
from inferred
