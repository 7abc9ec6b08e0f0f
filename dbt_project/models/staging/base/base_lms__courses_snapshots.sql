{{ snapshot('courses_snapshots') }}
