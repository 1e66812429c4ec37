"""Roles: written in code, read from Monite, sent to Monite, asked and compared."""

import copy
import dataclasses
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monite_auth.errors import ConfigurationError, InvalidRole
from monite_auth.rbac import Action, Change, ObjectType, Permission, Role, actions_of

ID = "2724e6bf-17b8-4462-b2ed-7d3e16c4a133"
ACCOUNTANT = Role(
    "Accountant",
    {"payable": {"read": "allowed", "create": "allowed_for_own"}, "counterpart": "create read"},
)


def resource(*objects, **changes):
    """A role as Monite returns it."""
    return {
        "id": ID,
        "name": "Clerk",
        "permissions": {"objects": list(objects)},
        "status": "active",
        "created_at": "2024-01-01T00:00:00+00:00",
        "updated_at": "2024-01-01T00:00:00+00:00",
    } | changes


def rule(object_type, **permissions):
    """The permissions for one object type, as Monite writes them."""
    actions = [{"action_name": action, "permission": said} for action, said in permissions.items()]
    return {"object_type": object_type, "actions": actions}


# -- in code


def test_a_role_says_what_is_allowed_and_everything_else_is_not():
    assert ACCOUNTANT.permission("payable", "read") is Permission.ALLOWED
    assert ACCOUNTANT.permission("payable", "create") is Permission.ALLOWED_FOR_OWN
    assert ACCOUNTANT.permission("payable", "pay") is Permission.NOT_ALLOWED
    assert ACCOUNTANT.permission("tag", "read") is Permission.NOT_ALLOWED
    assert ACCOUNTANT.allows("counterpart", "create")
    assert not ACCOUNTANT.allows("counterpart", "delete")
    assert not ACCOUNTANT.allows("counterpart", "delete", own=True)


def test_allowed_for_own_counts_only_for_ones_own():
    assert not ACCOUNTANT.allows("payable", "create")
    assert ACCOUNTANT.allows("payable", "create", own=True)
    assert ACCOUNTANT.allows("payable", "read") == ACCOUNTANT.allows("payable", "read", own=True)


@pytest.mark.parametrize(
    "permissions",
    [
        {"payable": "create read"},
        {"payable": ["create", "read"]},
        {ObjectType.PAYABLE: {Action.CREATE, Action.READ}},
        {"payable": {"create": "allowed", Action.READ: Permission.ALLOWED}},
        {"payable": {"create": "allowed", "read": "allowed", "pay": "not_allowed"}, "tag": ""},
    ],
)
def test_the_same_role_can_be_written_in_many_ways(permissions):
    role = Role("Clerk", permissions)
    assert role == Role("Clerk", {"payable": "read create"})
    assert hash(role) == hash(Role("Clerk", {"payable": "read create"}))
    assert role.permissions == {"payable": {"create": "allowed", "read": "allowed"}}


def test_every_wrong_word_is_refused_at_once():
    with pytest.raises(InvalidRole) as caught:
        Role(
            "Clerk",
            {
                "payabel": "raed",
                "tag": {"submit": "allowed", "read": "alowed"},
                "role": 3,
                "comment": b"r",
                "person": "create, read",
            },
        )
    error = caught.value
    assert error.problems == (
        "'payabel' is no object type; did you mean 'payable'?",
        "payabel: 'raed' is no action; did you mean 'read'?",
        "tag: 'submit' is no action of tag; choose from create, read, update, delete.",
        "tag.read: 'alowed' is no permission; did you mean 'allowed'?",
        "role: give actions as text, a collection or a mapping, not 3.",
        "comment: 114 is no action of comment; choose from create, read, update, delete.",
        "person: 'create,' is no action of person; did you mean 'create'?",
    )
    assert str(error).startswith("The role 'Clerk' is not valid:\n- 'payabel'")
    assert error.role == "Clerk"
    assert isinstance(error, ConfigurationError)


@pytest.mark.parametrize("name", ["", "x" * 256, None])
def test_a_role_has_a_name_that_monite_takes(name):
    with pytest.raises(InvalidRole, match="name is text of 1 to 255 characters"):
        Role(name, {})


@pytest.mark.parametrize("permissions", ["payable", [("payable", "read")], None])
def test_permissions_are_a_mapping(permissions):
    with pytest.raises(InvalidRole, match="permissions is a mapping of object types"):
        Role("Clerk", permissions)


@pytest.mark.parametrize(
    ("object_type", "action", "says"),
    [
        ("payabel", "read", "did you mean 'payable'"),
        ("payable", "raed", "did you mean 'read'"),
        ("tag", "submit", "'submit' is no action of tag"),
        ("*", "read", "'\\*' is no object type"),
        ("payable", "", "'' is no action"),
        (None, "read", "None is no object type"),
    ],
)
def test_a_typo_never_means_yes_or_no(object_type, action, says):
    with pytest.raises(ValueError, match=says):
        ACCOUNTANT.allows(object_type, action, own=True)
    with pytest.raises(ValueError, match=says):
        ACCOUNTANT.permission(object_type, action)


def test_a_role_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ACCOUNTANT.name = "Admin"
    ACCOUNTANT.permissions["payable"]["delete"] = "allowed"
    assert not ACCOUNTANT.allows("payable", "delete")


def test_a_role_can_be_copied_stored_and_read():
    role = Role("Clerk", {"tag": "read"}, ID)
    assert pickle.loads(pickle.dumps(role)) == copy.deepcopy(role) == role
    assert repr(role) == f"Role('Clerk', {{'tag': {{'read': 'allowed'}}}}, id='{ID}')"
    assert eval(repr(role), {"Role": Role}) == role


# -- from and to JSON


def test_a_role_becomes_the_body_that_monite_takes():
    assert ACCOUNTANT.to_json() == {
        "name": "Accountant",
        "permissions": {
            "objects": [
                rule("counterpart", create="allowed", read="allowed"),
                rule("payable", create="allowed_for_own", read="allowed"),
            ]
        },
    }


def test_a_role_is_read_as_monite_returns_it():
    role = Role.from_json(
        resource(rule("payable", read="allowed", pay="allowed_for_own", delete="not_allowed"))
    )
    assert role == Role("Clerk", {"payable": {"read": "allowed", "pay": "allowed_for_own"}}, id=ID)


grants = st.fixed_dictionaries(
    {},
    optional={
        kind: st.dictionaries(st.sampled_from(actions_of(kind)), st.sampled_from(Permission))
        for kind in ObjectType
    },
)


@given(grants)
def test_a_role_survives_a_round_trip_through_monite(permissions):
    role = Role("Clerk", permissions)
    assert Role.from_json(json.loads(json.dumps(role.to_json()))) == role
    for kind in ObjectType:
        for action in actions_of(kind):
            said = permissions.get(kind, {}).get(action, "not_allowed")
            assert role.permission(kind, action) == said
            assert role.allows(kind, action) is (said == "allowed")
            assert role.allows(kind, action, own=True) is (said != "not_allowed")


def test_words_newer_than_us_are_kept_and_grant_nothing():
    newer = [
        rule("payable", fly="allowed", read="allowed_on_sundays", update="allowed"),
        rule("spaceship", read="allowed"),
        rule("tag", submit="allowed"),
    ]
    role = Role.from_json(resource(*newer))
    assert role.to_json()["permissions"]["objects"] == newer
    assert role.permission("payable", "read") is Permission.NOT_ALLOWED
    assert not role.allows("payable", "read", own=True)
    assert role.allows("payable", "update")
    for kind, action in (("payable", "fly"), ("spaceship", "read"), ("tag", "submit")):
        with pytest.raises(ValueError, match="is no"):
            role.allows(kind, action)


@pytest.mark.parametrize("permissions", [{}, {"objects": []}, {"objects": [{"object_type": "payable"}]}])
def test_a_role_may_grant_nothing(permissions):
    assert Role.from_json({"name": "Guest", "permissions": permissions}) == Role("Guest", {})


@pytest.mark.parametrize(
    ("malformed", "says"),
    [
        (None, "role is an object of JSON, not NoneType"),
        ("{}", "role is an object of JSON, not str"),
        ({"data": []}, "role.name is text, not NoneType"),
        (resource(name=7), "role.name is text, not int"),
        (resource(id=7), "role.id is text, not int"),
        (resource(permissions=None), "role.permissions is an object, not NoneType"),
        (resource(permissions=[]), "role.permissions is an object, not list"),
        (resource(permissions={"objects": {}}), "permissions.objects is a list, not dict"),
        (resource("payable"), r"permissions.objects\[0\] is an object of JSON, not str"),
        (resource({}), r"permissions.objects\[0\].object_type is text, not NoneType"),
        (
            resource(rule("tag"), {"object_type": "tag", "actions": "read"}),
            r"permissions.objects\[1\].actions is a list, not str",
        ),
        (
            resource({"object_type": "tag", "actions": [{"permission": "allowed"}]}),
            r"permissions.objects\[0\].actions\[0\].action_name is text, not NoneType",
        ),
        (
            resource({"object_type": "tag", "actions": [{"action_name": "read"}]}),
            r"permissions.objects\[0\].actions\[0\].permission is text, not NoneType",
        ),
        (resource(rule("tag", read="allowed"), rule("tag", read="not_allowed")), "tag.read is listed twice"),
    ],
)
def test_malformed_roles_are_refused(malformed, says):
    with pytest.raises(InvalidRole, match=f"This is not a role: {says}"):
        Role.from_json(malformed)


# -- comparison


def test_a_comparison_lists_what_changes():
    before = Role(
        "Clerk", {"payable": {"create": "allowed_for_own", "read": "allowed"}, "tag": "read"}, id=ID
    )
    after = Role("Chief", {"payable": "create read", "counterpart": "read"})
    changes = before.diff(after)
    assert list(changes) == [
        Change("counterpart", "read", "not_allowed", "allowed"),
        Change("payable", "create", "allowed_for_own", "allowed"),
        Change("tag", "read", "allowed", "not_allowed"),
    ]
    assert changes
    assert len(changes) == 3
    assert str(changes).splitlines() == [
        "counterpart.read: not_allowed     -> allowed",
        "payable.create:   allowed_for_own -> allowed",
        "tag.read:         allowed         -> not_allowed",
    ]
    assert str(list(changes)[1]) == "payable.create: allowed_for_own -> allowed"


def test_equal_permissions_compare_as_nothing():
    changes = ACCOUNTANT.diff(Role("Another name", ACCOUNTANT.permissions, id=ID))
    assert not changes
    assert str(changes) == ""


def test_newer_words_are_compared_too():
    changes = Role.from_json(resource(rule("spaceship", fly="allowed"))).diff(Role("Clerk", {}))
    assert str(changes) == "spaceship.fly: allowed -> not_allowed"
