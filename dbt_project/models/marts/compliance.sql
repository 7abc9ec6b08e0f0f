-- Who must have completed what: by the provider's word, by the rules of the seed, or both.
with learners as (

    select * from {{ ref('dim_users') }}
    where not is_deleted and coalesce(user_status, 'unknown') not in ('inactive', 'suspended', 'deleted')

),

courses as (

    select * from {{ ref('dim_courses') }}
    where not is_deleted

),

enrollments as (

    select * from {{ ref('fct_course_enrollments') }}
    where is_latest_attempt

),

duties as (

    select
        connection_id,
        user_key,
        course_key,
        true as is_by_provider,
        cast(null as integer) as due_days,
        cast(null as integer) as valid_days
    from enrollments
    where is_mandatory and status <> 'withdrawn'

    union all

    select
        courses.connection_id,
        learners.user_key,
        courses.course_key,
        false as is_by_provider,
        rules.due_days,
        rules.valid_days
    from {{ ref('compliance_rules') }} as rules
    inner join courses
        on
            courses.connection_id = coalesce(rules.connection_id, courses.connection_id)
            and (rules.course_id = courses.course_id or rules.course_code = courses.course_code)
    inner join learners
        on
            courses.connection_id = learners.connection_id
            and (rules.organization_id is null or rules.organization_id = learners.organization_id)
            and (rules.role is null or rules.role = learners.user_role)

),

-- Where several rules hold, the strictest does.
strictest as (

    select
        connection_id,
        user_key,
        course_key,
        bool_or(is_by_provider) as is_by_provider,
        bool_or(not is_by_provider) as is_by_rule,
        min(due_days) as due_days,
        min(valid_days) as valid_days
    from duties
    group by connection_id, user_key, course_key

),

dated as (

    select
        strictest.*,
        learners.provider,
        learners.person_key,
        learners.user_name,
        learners.organization_id,
        learners.organization_name,
        learners.manager_id,
        learners.manager_name,
        courses.course_title,
        enrollments.enrollment_key,
        enrollments.status,
        enrollments.completed_on,
        coalesce(enrollments.is_completed, false) as is_completed,
        {{ as_of_day() }} as as_of_date,
        coalesce(
            enrollments.due_on,
            coalesce(enrollments.enrolled_on, {{ day_of('learners.created_at') }}) + strictest.due_days
        ) as due_on,
        enrollments.completed_on + strictest.valid_days as valid_until
    from strictest
    inner join learners
        on strictest.connection_id = learners.connection_id and strictest.user_key = learners.user_key
    inner join courses
        on strictest.connection_id = courses.connection_id and strictest.course_key = courses.course_key
    left join enrollments
        on
            strictest.connection_id = enrollments.connection_id
            and strictest.user_key = enrollments.user_key
            and strictest.course_key = enrollments.course_key

)

select
    {{ record_key('user_key', 'course_key') }} as compliance_key,
    connection_id,
    provider,
    user_key,
    person_key,
    user_name,
    organization_id,
    organization_name,
    manager_id,
    manager_name,
    course_key,
    course_title,
    enrollment_key,
    status,
    is_by_provider,
    is_by_rule,
    due_on,
    completed_on,
    valid_until,
    case
        when is_completed and valid_until < as_of_date then 'lapsed'
        when is_completed then 'compliant'
        when due_on < as_of_date then 'overdue'
        else 'due'
    end as compliance_status,
    case when not is_completed and due_on < as_of_date then as_of_date - due_on end as days_overdue,
    as_of_date
from dated
