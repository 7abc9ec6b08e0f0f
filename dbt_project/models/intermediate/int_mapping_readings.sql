-- When each mapping had first read all that there was: until then, a new version may be the mapping's doing.
select
    connection_id,
    resource,
    mapping_digest,
    coalesce(
        min(started_at) filter (where run_mode = 'full' and run_status = 'done'),
        min(started_at) filter (where run_mode = 'full' and run_status = 'partial')
    ) as read_whole_at
from {{ ref('stg_lms__sync_runs') }}
where mapping_digest is not null and run_status <> 'failed'
group by connection_id, resource, mapping_digest
