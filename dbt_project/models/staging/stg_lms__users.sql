select * from {{ ref('stg_lms__users_versions') }}
where valid_to is null
