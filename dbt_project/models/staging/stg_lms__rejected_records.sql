with source as (

    select * from {{ ref('base_lms__rejected_records') }}

),

renamed as (

    select
        rejection_key,
        connection_id,
        provider,
        resource,
        record_id,
        field as rejected_field,
        code as rejection_code,
        reason,
        run_id,
        rejected_at

    from source

)

select * from renamed
