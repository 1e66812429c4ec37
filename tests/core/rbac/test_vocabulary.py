"""Monite's words: all of them, and no others."""

import pytest

from monite_auth.rbac import Action, ObjectType, Permission, actions_of, member, parse_permission
from tests.data import facts


def test_the_words_are_those_of_monites_document():
    common = facts.words("CommonSchema-Input", "object_type")
    assert {*common, "payable"} == set(ObjectType)
    assert facts.words("PermissionEnum") == set(Permission)
    assert facts.words("PayableActionEnum") == set(actions_of(ObjectType.PAYABLE)) == set(Action)
    for object_type in set(ObjectType) - {"payable"}:
        assert facts.words("ActionEnum") == set(actions_of(object_type))


def test_there_are_31_object_types_and_each_member_is_named_as_it_is_written():
    assert len(ObjectType) == 31
    for kind in (ObjectType, Action, Permission):
        assert [word.name for word in kind] == [word.value.upper() for word in kind]


def test_a_word_becomes_its_member():
    for kind in (ObjectType, Action, Permission):
        for word in kind:
            assert member(kind, word.value) is member(kind, word) is word


@pytest.mark.parametrize(
    ("kind", "word", "says"),
    [
        (ObjectType, "payabel", "'payabel' is no object type; did you mean 'payable'?"),
        (ObjectType, "Payable", "'Payable' is no object type; did you mean 'payable'?"),
        (ObjectType, "entity_vat_id", "did you mean 'entity_vat_ids'?"),
        (Action, "approved", "'approved' is no action; did you mean 'approve'?"),
        (Permission, "allowed_for_all", "is no permission; did you mean 'allowed_for_own'?"),
        (Permission, "yes", "'yes' is no permission; choose from not_allowed, allowed, allowed_for_own."),
        (Action, "", "'' is no action; choose from create, read"),
        (Action, None, "None is no action"),
        (Action, True, "True is no action"),
        (Action, ["read"], r"\['read'\] is no action"),
        (ObjectType, Action.READ, "<Action.READ: 'read'> is no object type"),
    ],
)
def test_a_wrong_word_is_named_and_the_nearest_right_one_suggested(kind, word, says):
    with pytest.raises(ValueError, match=says):
        member(kind, word)


def test_an_action_has_to_be_one_of_its_object_type():
    assert member(Action, "submit", of=ObjectType.PAYABLE) is Action.SUBMIT
    with pytest.raises(
        ValueError, match="'submit' is no action of tag; choose from create, read, update, delete"
    ):
        member(Action, "submit", of=ObjectType.TAG)


def test_an_object_type_and_its_action_are_understood_together():
    assert parse_permission("payable", "pay") == (ObjectType.PAYABLE, Action.PAY)
    for pair, wrong in (
        (("payabel", "pay"), "payabel"),
        (("payable", "pya"), "pya"),
        (("tag", "pay"), "pay"),
    ):
        with pytest.raises(ValueError, match=f"'{wrong}' is no"):
            parse_permission(*pair)
