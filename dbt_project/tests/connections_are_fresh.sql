-- Every resource of every connection was read whole within `fresh_within_hours`; 0 asks nothing.
select
    connection_id,
    resource,
    hours_since_read_whole
from {{ ref('connection_freshness') }}
where
    {{ var('fresh_within_hours', 0) }} > 0
    and (hours_since_read_whole is null or hours_since_read_whole > {{ var('fresh_within_hours', 0) }})
