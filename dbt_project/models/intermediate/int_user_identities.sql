-- Which person each account belongs to: by the seed, else by an e-mail address that tells, else nobody else's.
with accounts as (

    select
        users.connection_id,
        users.user_id,
        users.user_key,
        users.is_deleted,
        nullif(users.email, '') as email,
        identities.person_id
    from {{ ref('int_users') }} as users
    left join {{ ref('person_identities') }} as identities
        on users.connection_id = identities.connection_id and users.user_id = identities.user_id

),

-- An address of two living accounts in one connection is a shared mailbox: it tells nothing about who is who.
shared as (

    select distinct email
    from (
        select
            connection_id,
            email
        from accounts
        where email is not null and not is_deleted
        group by connection_id, email
        having count(*) > 1
    ) as addresses

),

-- What the seed says of one account holds for the others with its address, if it says one thing only.
seeded as (

    select
        email,
        min(person_id) as person_id
    from accounts
    where email is not null and person_id is not null
    group by email
    having count(distinct person_id) = 1

)

select
    accounts.connection_id,
    accounts.user_id,
    accounts.user_key,
    case
        when accounts.person_id is not null then 'person:' || accounts.person_id
        when accounts.email is null or shared.email is not null then 'account:' || accounts.user_key
        when seeded.person_id is not null then 'person:' || seeded.person_id
        else 'email:' || accounts.email
    end as person_key,
    case
        when accounts.person_id is not null then 'seed'
        when accounts.email is null or shared.email is not null then 'account'
        when seeded.person_id is not null then 'seed'
        else 'email'
    end as identified_by
from accounts
left join shared on accounts.email = shared.email
left join seeded on accounts.email = seeded.email
