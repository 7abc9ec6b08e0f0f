select
    users.user_key,
    users.connection_id,
    users.provider,
    users.user_id,
    identities.person_key,
    users.user_name,
    users.first_name,
    users.last_name,
    users.username,
    users.email,
    users.job_title,
    users.locale,
    users.time_zone,
    users.user_status,
    users.user_status_source,
    users.user_role,
    users.user_role_source,
    users.organization_id,
    users.organization_name,
    users.manager_id,
    coalesce(users.manager_name, managers.user_name) as manager_name,
    users.created_at,
    users.updated_at,
    users.first_seen_at,
    users.deleted_at,
    users.is_deleted,
    users.is_inferred
from {{ ref('int_users') }} as users
inner join {{ ref('int_user_identities') }} as identities
    on users.connection_id = identities.connection_id and users.user_id = identities.user_id
left join {{ ref('int_users') }} as managers
    on users.connection_id = managers.connection_id and users.manager_id = managers.user_id
