"""Prefect's flows: what is scheduled, shown and retried. The work is in `pipelines`, which knows no scheduler."""
