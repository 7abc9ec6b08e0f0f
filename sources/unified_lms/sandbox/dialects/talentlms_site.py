"""What a TalentLMS portal tells of itself: figures, branches, groups, categories, custom fields."""

from __future__ import annotations

from typing import Any

from sources.unified_lms.sandbox.dialects.talentlms_wire import TalentLmsOptions, price
from sources.unified_lms.sandbox.entities import Category, FieldDefinition, Group, Organization, PersonState
from sources.unified_lms.sandbox.world import World

Json = dict[str, Any]


def siteinfo(world: World, options: TalentLmsOptions) -> Json:
    """The figures of the portal: totals are text, but for the active users.

    The time zone is not among them.
    """
    return {
        "total_users": str(len(world.people)),
        "total_courses": str(len(world.courses)),
        "total_categories": str(len(world.categories)),
        "total_groups": str(len(world.groups)),
        "total_branches": str(len(world.organizations)),
        "monthly_active_users": sum(one.state is PersonState.ACTIVE for one in world.people.values()),
        "signup_method": "email",
        "paypal_email": "",
        "domain_map": options.domain,
        "date_format": options.date_format,
    }


def category(one: Category) -> Json:
    """A category without its courses. That one at the top has null for its parent is UNCONFIRMED."""
    parent = str(one.parent_id) if one.parent_id else None
    return {"id": str(one.id), "name": one.name, "price": price(0), "parent_category_id": parent}


def branch(one: Organization, options: TalentLmsOptions) -> Json:
    """A branch without its users and courses."""
    return {
        "id": str(one.id),
        "name": one.name,
        "description": one.description,
        "avatar": f"https://{options.domain}/pages/images/branch.png",
        "theme": "Default",
        "badge_set_id": "1",
        "timezone": "",
        "signup_method": "email",
        "internal_announcement": "",
        "external_announcement": "",
        "language": "en",
        "user_type_id": "4",
        "user_type": "Learner-Type",
        "group_id": "",
        "registration_email_restriction": None,
        "users_limit": None,
        "disallow_global_login": "0",
        **_shop_of_branch(),
    }


def _shop_of_branch() -> Json:
    return {
        "payment_processor": "",
        "currency": "US Dollar",
        "paypal_email": "",
        "ecommerce_subscription": "0",
        "ecommerce_subscription_price": "0",
        "ecommerce_subscription_interval": "",
        "ecommerce_subscription_trial_period": "0",
        "ecommerce_credits": "0",
    }


def group(one: Group) -> Json:
    """A group without its users and courses. Whoever has the key can join."""
    return {
        "id": str(one.id),
        "name": one.name,
        "description": one.description,
        "key": one.key,
        "price": price(0),
        "owner_id": "1",
        "belongs_to_branch": None,
        "max_redemptions": None,
        "redemptions_sofar": None,
    }


def custom_field(one: FieldDefinition) -> Json:
    """The definition of a custom field; that the choices are joined by semicolons is UNCONFIRMED."""
    return {
        "key": f"custom_field_{one.number}",
        "type": one.kind,
        "name": one.name,
        "mandatory": "yes" if one.mandatory else "no",
        "visible_on_reports": "yes",
        "dropdown_values": ";".join(one.choices),
        "checkbox_status": "off",
        "selective_availability": "no",
        "branch": None,
        "main_domain_availability": None,
        "previous_key": None,
        "order": one.number,
    }
