-- Every day that a fact can name, in whole years: of the earliest date of an enrolment to a year from now or later.
with named as (

    select
        min(least(enrolled_on, started_on, completed_on, last_activity_on, due_on)) as first_day,
        max(greatest(enrolled_on, started_on, completed_on, last_activity_on, due_on)) as last_day
    from {{ ref('int_course_enrollments') }}

),

seen as (

    select min({{ day_of('first_seen_at') }}) as first_day
    from {{ ref('stg_lms__course_enrollments_versions') }}

),

-- Beyond these a date is a provider's slip; the reference tests name the rows that have it.
bounds as (

    select
        greatest(
            extract(year from least(named.first_day, seen.first_day, {{ as_of_day() }})), 1970
        ) as first_year,
        least(
            greatest(extract(year from named.last_day), extract(year from {{ as_of_day() }}) + 1), 2100
        ) as last_year
    from named
    cross join seen

),

days as (

    select
        {{ days_between(
            "cast(cast(cast(first_year as integer) as varchar) || '-01-01' as date)",
            "cast(cast(cast(last_year as integer) as varchar) || '-12-31' as date)"
        ) }} as date_day
    from bounds

)

select
    date_day,
    cast(extract(year from date_day) as integer) as calendar_year,
    cast(extract(quarter from date_day) as integer) as calendar_quarter,
    cast(extract(month from date_day) as integer) as calendar_month,
    cast(date_trunc('month', date_day) as date) as month_starts_on,
    cast(date_trunc('week', date_day) as date) as week_starts_on,
    cast(extract(isodow from date_day) as integer) as iso_weekday,
    extract(isodow from date_day) >= 6 as is_weekend,
    date_day = {{ as_of_day() }} as is_as_of_date
from days
