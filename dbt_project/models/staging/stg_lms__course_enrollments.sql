select * from {{ ref('stg_lms__course_enrollments_versions') }}
where valid_to is null
