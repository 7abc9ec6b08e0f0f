{{ snapshot('users_snapshots') }}
