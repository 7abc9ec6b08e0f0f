-- The content tree, walked from its roots. What no root leads to (a ring of parents) is its own root and says so.
with recursive items as (

    select
        *,
        coalesce(lpad(cast(item_position as varchar), 6, '0'), '999999') || '.' || item_id as place
    from {{ ref('stg_lms__course_items') }}

),

linked as (

    select
        items.*,
        parents.item_id as known_parent_id
    from items
    left join items as parents
        on
            items.connection_id = parents.connection_id
            and items.parent_id = parents.item_id
            and items.course_id = parents.course_id

),

tree as (

    select
        connection_id,
        item_id,
        item_id as root_id,
        0 as depth,
        cast(coalesce(item_title, item_id) as varchar) as item_path,
        cast(place as varchar) as sort_path
    from linked
    where known_parent_id is null

    union all

    select
        linked.connection_id,
        linked.item_id,
        tree.root_id,
        tree.depth + 1 as depth,
        cast(tree.item_path || ' / ' || coalesce(linked.item_title, linked.item_id) as varchar) as item_path,
        cast(tree.sort_path || '/' || linked.place as varchar) as sort_path
    from linked
    inner join tree
        on linked.connection_id = tree.connection_id and linked.known_parent_id = tree.item_id

)

select
    linked.item_key,
    linked.connection_id,
    linked.provider,
    linked.item_id,
    linked.course_key,
    linked.parent_id,
    coalesce(tree.root_id, linked.item_id) as root_id,
    linked.item_title,
    linked.item_type,
    linked.item_type_source,
    linked.item_position,
    linked.duration_seconds,
    linked.is_required,
    coalesce(tree.depth, 0) as depth,
    coalesce(tree.item_path, linked.item_title, linked.item_id) as item_path,
    row_number() over (
        partition by linked.connection_id, linked.course_id
        order by coalesce(tree.sort_path, linked.place), linked.item_id
    ) as place_in_course,
    linked.parent_id is not null and (linked.known_parent_id is null or tree.item_id is null) as is_detached
from linked
left join tree on linked.connection_id = tree.connection_id and linked.item_id = tree.item_id
