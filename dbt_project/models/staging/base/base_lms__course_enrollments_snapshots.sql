{{ snapshot('course_enrollments_snapshots') }}
