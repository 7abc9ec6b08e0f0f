select * from {{ ref('stg_lms__courses_versions') }}
where valid_to is null
