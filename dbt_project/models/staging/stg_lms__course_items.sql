with source as (

    select * from {{ ref('base_lms__course_items_snapshots') }}

),

renamed as (

    select
        connection_id,
        id as item_id,
        {{ record_key('connection_id', 'id') }} as item_key,
        provider,
        course__id as course_id,
        {{ record_key('connection_id', 'course__id') }} as course_key,
        course__title as course_title,
        parent__id as parent_id,
        type as item_type,
        type_source as item_type_source,
        title as item_title,
        position as item_position,
        duration_seconds,
        is_required,
        created_at,
        updated_at,
        valid_from,
        first_seen_at

    from source
    where valid_to is null

)

select * from renamed
