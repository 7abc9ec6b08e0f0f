with source as (

    select * from {{ ref('base_lms__courses_snapshots') }}

),

renamed as (

    select
        -- keys
        connection_id,
        id as course_id,
        {{ record_key('connection_id', 'id') }} as course_key,
        provider,

        -- the course
        title as course_title,
        code as course_code,
        type as course_type,
        type_source as course_type_source,
        status as course_status,
        status_source as course_status_source,
        level as course_level,
        level_source as course_level_source,
        language,
        duration_seconds,
        categories -> 0 ->> 'name' as first_category_name,
        organization__id as organization_id,
        organization__name as organization_name,
        published_at,
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
