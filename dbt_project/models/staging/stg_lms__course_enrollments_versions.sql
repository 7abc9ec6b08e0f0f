with source as (

    select * from {{ ref('base_lms__course_enrollments_snapshots') }}

),

renamed as (

    select
        -- keys
        connection_id,
        id as enrollment_id,
        {{ record_key('connection_id', 'id') }} as enrollment_key,
        provider,
        user__id as user_id,
        {{ record_key('connection_id', 'user__id') }} as user_key,
        course__id as course_id,
        {{ record_key('connection_id', 'course__id') }} as course_key,

        -- who and what, as the enrolment itself has it
        user__name as user_name,
        lower(trim({{ primary_email('user__emails') }})) as email,
        course__title as course_title,

        -- state
        status,
        status_source,
        progress_percent,
        time_spent_seconds,
        score,
        is_mandatory,
        attempt_number,
        attempts_count,
        assigned_by__id as assigned_by_id,
        assigned_by__name as assigned_by_name,

        -- instants
        assigned_at,
        due_at,
        enrolled_at,
        started_at,
        last_activity_at,
        completed_at,
        {{ instant_of("(custom_fields ->> 'expires_at')") }} as expires_at,
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
