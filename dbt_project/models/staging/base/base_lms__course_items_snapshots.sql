{{ snapshot('course_items_snapshots') }}
