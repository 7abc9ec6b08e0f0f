with learning as (

    select
        users.connection_id,
        users.organization_id,
        max(users.provider) as provider,
        max(users.organization_name) as organization_name,
        count(distinct enrollments.user_key) as users,
        {{ learners() }} as enrollments,
        {{ completed_learners() }} as completed_enrollments,
        {{ overdue_learners() }} as overdue_enrollments,
        {{ completion_rate() }} as completion_rate
    from {{ ref('fct_course_enrollments') }} as enrollments
    inner join {{ ref('dim_users') }} as users
        on enrollments.connection_id = users.connection_id and enrollments.user_key = users.user_key
    group by users.connection_id, users.organization_id

),

duties as (

    select
        connection_id,
        organization_id,
        max(provider) as provider,
        max(organization_name) as organization_name,
        count(*) as mandatory,
        count(*) filter (where compliance_status = 'compliant') as compliant,
        count(*) filter (where compliance_status = 'due') as mandatory_due,
        count(*) filter (where compliance_status = 'overdue') as mandatory_overdue,
        count(*) filter (where compliance_status = 'lapsed') as mandatory_lapsed,
        {{ compliance_rate() }} as compliance_rate
    from {{ ref('compliance') }}
    group by connection_id, organization_id

)

select
    coalesce(learning.connection_id, duties.connection_id)
    || '/'
    || coalesce(learning.organization_id, duties.organization_id, '') as organization_key,
    coalesce(learning.connection_id, duties.connection_id) as connection_id,
    coalesce(learning.provider, duties.provider) as provider,
    coalesce(learning.organization_id, duties.organization_id) as organization_id,
    coalesce(learning.organization_name, duties.organization_name) as organization_name,
    coalesce(learning.users, 0) as users,
    coalesce(learning.enrollments, 0) as enrollments,
    coalesce(learning.completed_enrollments, 0) as completed_enrollments,
    coalesce(learning.overdue_enrollments, 0) as overdue_enrollments,
    learning.completion_rate,
    coalesce(duties.mandatory, 0) as mandatory,
    coalesce(duties.compliant, 0) as compliant,
    coalesce(duties.mandatory_due, 0) as mandatory_due,
    coalesce(duties.mandatory_overdue, 0) as mandatory_overdue,
    coalesce(duties.mandatory_lapsed, 0) as mandatory_lapsed,
    duties.compliance_rate
from learning
full outer join duties
    on
        learning.connection_id = duties.connection_id
        and coalesce(learning.organization_id, '') = coalesce(duties.organization_id, '')
