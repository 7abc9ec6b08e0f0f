-- No account is lost between people, and none belongs to two.
select
    people.accounts,
    users.accounts as accounts_seen
from (select coalesce(sum(accounts), 0) as accounts from {{ ref('people') }}) as people
cross join (select count(*) as accounts from {{ ref('dim_users') }}) as users
where people.accounts <> users.accounts
