-- A rule names one course, by id within a connection or by code, and that course is there: no rule has no effect.
select rules.rule_id
from {{ ref('compliance_rules') }} as rules
left join {{ ref('dim_courses') }} as courses
    on
        courses.connection_id = coalesce(rules.connection_id, courses.connection_id)
        and (rules.course_id = courses.course_id or rules.course_code = courses.course_code)
group by rules.rule_id, rules.connection_id, rules.course_id, rules.course_code
having
    count(courses.course_key) = 0
    or (rules.course_id is null) = (rules.course_code is null)
    or (rules.course_id is not null and rules.connection_id is null)
