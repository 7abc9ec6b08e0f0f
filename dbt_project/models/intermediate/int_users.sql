-- Every user that is known: as last seen, the vanished among them, and those that only an enrolment names.
with versions as (

    select
        *,
        row_number() over (partition by connection_id, user_id order by valid_from desc) as newest
    from {{ ref('stg_lms__users_versions') }}

),

seen as (

    select * from versions
    where newest = 1

),

mentions as (

    select
        connection_id,
        provider,
        user_id,
        user_key,
        user_name,
        email,
        first_seen_at,
        row_number()
            over (partition by connection_id, user_id order by valid_from desc, enrollment_id asc)
            as newest
    from {{ ref('stg_lms__course_enrollments_versions') }}

),

inferred as (

    select mentions.*
    from mentions
    left join seen on mentions.connection_id = seen.connection_id and mentions.user_id = seen.user_id
    where mentions.newest = 1 and seen.user_id is null

)

select
    connection_id,
    user_id,
    user_key,
    provider,
    user_name,
    first_name,
    last_name,
    username,
    email,
    job_title,
    locale,
    time_zone,
    user_status,
    user_status_source,
    user_role,
    user_role_source,
    organization_id,
    organization_name,
    manager_id,
    manager_name,
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
    user_id,
    user_key,
    provider,
    user_name,
    null as first_name,
    null as last_name,
    null as username,
    email,
    null as job_title,
    null as locale,
    null as time_zone,
    null as user_status,
    null as user_status_source,
    null as user_role,
    null as user_role_source,
    null as organization_id,
    null as organization_name,
    null as manager_id,
    null as manager_name,
    null as created_at,
    null as updated_at,
    first_seen_at,
    null as deleted_at,
    false as is_deleted,
    true as is_inferred
from inferred
