-- How far learners come, from assigned to completed: one row a connection and stage.
with stages as (

    select
        connection_id,
        max(provider) as provider,
        {{ learners() }} as assigned,
        {{ started_learners() }} as started,
        count(*) filter (where is_counted and effective_progress_percent >= 50) as halfway,
        {{ completed_learners() }} as completed
    from {{ ref('fct_course_enrollments') }}
    group by connection_id

),

unpivoted as (

    {% for stage in ['assigned', 'started', 'halfway', 'completed'] -%}
    select
        connection_id,
        provider,
        {{ loop.index }} as stage_number,
        '{{ stage }}' as stage,
        {{ stage }} as learners,
        {{ share(stage, 'assigned') }} as share_of_assigned
    from stages
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    {{ record_key('connection_id', 'stage') }} as funnel_key,
    connection_id,
    provider,
    stage_number,
    stage,
    learners,
    share_of_assigned
from unpivoted
