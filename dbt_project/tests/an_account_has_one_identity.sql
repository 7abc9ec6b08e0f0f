-- The seed gives each account to one person.
select
    connection_id,
    user_id
from {{ ref('person_identities') }}
group by connection_id, user_id
having count(*) > 1
