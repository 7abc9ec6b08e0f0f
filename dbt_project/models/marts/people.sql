with accounts as (

    select
        *,
        row_number() over (
            partition by person_key
            order by
                is_deleted asc, is_inferred asc, updated_at desc nulls last, connection_id asc, user_id asc
        ) as place
    from {{ ref('dim_users') }}

),

best as (

    select * from accounts
    where place = 1

),

learning as (

    select
        person_key,
        count(*) filter (where is_counted) as courses,
        count(*) filter (where is_counted and is_completed) as completed_courses,
        max(last_activity_at) as last_activity_at
    from {{ ref('fct_course_enrollments') }}
    group by person_key

),

counted as (

    select
        person_key,
        count(*) as accounts,
        count(distinct connection_id) as connections,
        bool_and(is_deleted) as is_deleted
    from accounts
    group by person_key

)

select
    best.person_key,
    identities.identified_by,
    best.user_name as person_name,
    best.email,
    counted.accounts,
    counted.connections,
    counted.is_deleted,
    coalesce(learning.courses, 0) as courses,
    coalesce(learning.completed_courses, 0) as completed_courses,
    learning.last_activity_at
from best
inner join counted on best.person_key = counted.person_key
inner join {{ ref('int_user_identities') }} as identities
    on best.connection_id = identities.connection_id and best.user_id = identities.user_id
left join learning on best.person_key = learning.person_key
