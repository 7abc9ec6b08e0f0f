with events as (

    select
        *,
        lag(status) over history as from_status,
        lag(event_type) over history as from_event_type,
        lag(event_at) over history as from_status_since
    from {{ ref('int_enrollment_events') }}
    window history as (partition by connection_id, enrollment_id order by event_at)

),

-- What the first reading of a connection finds has been so for nobody knows how long.
first_readings as (

    select
        connection_id,
        min(read_whole_at) as read_whole_at
    from {{ ref('int_mapping_readings') }}
    where resource = 'course_enrollments'
    group by connection_id

),

changes as (

    select
        events.*,
        events.event_type = 'appeared'
        and (first_readings.read_whole_at is null or events.event_at <= first_readings.read_whole_at)
            as is_first_reading,
        events.from_event_type in ('changed', 'returned')
        or (events.from_event_type = 'appeared' and events.first_seen_at > first_readings.read_whole_at)
            as is_duration_exact
    from events
    left join first_readings on events.connection_id = first_readings.connection_id

)

select
    {{ record_key('enrollment_key', 'cast(cast(extract(epoch from event_at) * 1000000 as bigint) as varchar)') }}
        as status_change_key,
    connection_id,
    provider,
    enrollment_id,
    enrollment_key,
    user_key,
    course_key,
    event_type as change_type,
    from_status,
    status as to_status,
    status_source as to_status_source,
    event_at as changed_at,
    {{ day_of('event_at') }} as changed_on,
    is_first_reading,
    from_status_since,
    case
        when from_status is not null then {{ days_from('from_status_since', 'event_at') }}
    end as days_in_from_status,
    coalesce(is_duration_exact and from_status is not null, false) as is_duration_exact
from changes
where event_type <> 'remapped'
