with source as (

    select * from {{ ref('base_lms__users_snapshots') }}

),

renamed as (

    select
        -- keys
        connection_id,
        id as user_id,
        {{ record_key('connection_id', 'id') }} as user_key,
        provider,

        -- the person
        coalesce(name, nullif(trim(concat_ws(' ', first_name, last_name)), '')) as user_name,
        first_name,
        last_name,
        username,
        lower(trim({{ primary_email('emails') }})) as email,
        job_title,
        locale,
        timezone as time_zone,

        -- the account
        status as user_status,
        status_source as user_status_source,
        role as user_role,
        role_source as user_role_source,
        organization__id as organization_id,
        organization__name as organization_name,
        manager__id as manager_id,
        manager__name as manager_name,
        created_at,
        updated_at,

        -- history
        mapping_digest,
        valid_from,
        valid_to,
        first_seen_at,
        deleted_at

    from source

)

select * from renamed
