with source as (

    select * from {{ ref('base_lms__sync_runs') }}

),

renamed as (

    select
        run_id,
        connection_id,
        provider,
        resource,
        mode as run_mode,
        status as run_status,
        started_at,
        duration_seconds,
        requests,
        records_read,
        records_rejected,
        fields_rejected,
        records_new,
        records_changed,
        records_retired,
        mapping_digest,
        message

    from source

)

select * from renamed
