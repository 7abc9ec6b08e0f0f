{{ snapshot('sync_runs') }}
