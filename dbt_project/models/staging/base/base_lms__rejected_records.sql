{{ snapshot('rejected_records') }}
