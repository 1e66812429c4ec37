"""What the application's functions may return: who somebody is in Monite, who is logged in, what a profile says."""

import asyncio
from types import MappingProxyType

import pytest

from monite_auth import EntityUser, FixedDirectory, Principal, TokenBroker, errors
from monite_auth.identity import PARTNER, aask_directory, as_directory, ask_directory, checked_principal
from monite_auth.provisioning import ProvisioningDirectory
from tests.scripted import ALICE, ALICE_IN_MONITE, settings


class Found:
    """A directory that returns this."""

    def __init__(self, answer):
        self.answer = answer

    def find(self, principal):
        return self.answer() if callable(self.answer) else self.answer

    async def afind(self, principal):
        return self.find(principal)


class AsyncFind(Found):
    async def find(self, principal):
        return ALICE_IN_MONITE


class PlainFind(Found):
    def afind(self, principal):
        return self.find(principal)


async def in_monite():
    return ALICE_IN_MONITE


IDS = ("a" * 32, "b" * 32)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (IDS, r"a tuple \(str, str\)"),
        ((ALICE_IN_MONITE,), r"a tuple \(EntityUser\)"),
        ({"entity_user_id": IDS[0], "entity_id": IDS[1]}, "a dict"),
        ("a" * 32, "a str"),
        (False, "a bool"),
        (ALICE, "a Principal"),
        (EntityUser, "the class EntityUser"),
        (in_monite, "a coroutine.*Give the async def itself as directory"),
    ],
)
def test_a_directory_returns_an_entity_user_or_none(answer, named):
    returned = in_monite if answer is in_monite else lambda: answer
    for directory in (as_directory(lambda p: returned()), Found(returned)):
        with pytest.raises(errors.ConfigurationError, match=f"directory returned {named}") as caught:
            ask_directory(directory, ALICE)
        with pytest.raises(errors.ConfigurationError, match=named):
            asyncio.run(aask_directory(directory, ALICE))
        assert not any(each in str(caught.value) for each in (*IDS, "alice"))


def test_an_async_def_that_returns_something_else_is_told_too():
    async def find(principal):
        return IDS

    with pytest.raises(errors.ConfigurationError, match="directory returned a tuple"):
        asyncio.run(aask_directory(as_directory(find), ALICE))


def test_a_stop_iteration_in_a_directory_fails_and_does_not_hang():
    directory = as_directory(lambda p: next(iter(())))
    with pytest.raises(RuntimeError, match=r"directory raised StopIteration.*next\(…, None\)"):
        ask_directory(directory, ALICE)
    with pytest.raises(RuntimeError, match="directory raised StopIteration"):
        asyncio.run(asyncio.wait_for(aask_directory(directory, ALICE), 5))


def test_afind_may_be_a_plain_def_and_find_may_not_be_async():
    assert asyncio.run(aask_directory(PlainFind(ALICE_IN_MONITE), ALICE)) == ALICE_IN_MONITE
    with pytest.raises(errors.ConfigurationError, match="a coroutine"):
        ask_directory(AsyncFind(None), ALICE)


@pytest.mark.parametrize(
    ("people", "named"),
    [
        ({"alice": IDS}, "A value is a tuple"),
        ({"alice": {"entity_id": IDS[1]}}, "A value is a dict"),
        ({"alice": EntityUser}, "A value is the class EntityUser"),
        ({1: ALICE_IN_MONITE}, "A key is an int"),
        ({"alice": ALICE_IN_MONITE, 1: ALICE_IN_MONITE}, "A key is an int"),
        ({(1, "t"): ALICE_IN_MONITE}, r"A key is a tuple \(int, str\)"),
        ({("alice", 7): ALICE_IN_MONITE}, r"A key is a tuple \(str, int\)"),
        ({(None, "alice"): ALICE_IN_MONITE}, r"A key is a tuple \(NoneType, str\)"),
        ({("alice", "t", "s"): ALICE_IN_MONITE}, r"A key is a tuple \(str, str, str\)"),
        ({ALICE: ALICE_IN_MONITE}, "A key is a Principal"),
        ({"": ALICE_IN_MONITE}, "A key is a str; .*not empty"),
        (MappingProxyType({b"alice": ALICE_IN_MONITE}), "A key is a bytes"),
    ],
)
def test_a_mapping_with_impossible_keys_is_refused_at_the_start(people, named):
    for make in (as_directory, FixedDirectory, lambda each: TokenBroker(settings(), each)):
        with pytest.raises(errors.ConfigurationError, match=named) as caught:
            make(people)
        assert not any(each in str(caught.value) for each in (*IDS, "alice"))


def test_every_kind_of_mistake_in_a_mapping_is_told_once():
    people = {1: ALICE_IN_MONITE, 2: IDS, 3.0: ALICE_IN_MONITE, "bob": None}
    with pytest.raises(errors.ConfigurationError) as caught:
        as_directory(people)
    assert [each[: each.index(";")] for each in caught.value.problems] == [
        "A key is a float",
        "A key is an int",
        "A value is a tuple (str, str)",
    ]


def test_a_value_added_to_a_mapping_later_is_checked_when_found():
    people = {}
    directory = as_directory(people)
    people["alice"] = IDS
    with pytest.raises(errors.ConfigurationError, match="directory returned a tuple"):
        ask_directory(directory, ALICE)


def test_keys_the_other_way_round_are_named():
    directory = as_directory({("bakery", "alice"): ALICE_IN_MONITE})
    with pytest.raises(errors.NotLinked, match=r"the other way round; keys are \(user_id, tenant\)"):
        directory.find(Principal("alice", tenant="bakery"))
    assert directory.find(Principal("alice", tenant="other")) is None


def test_promise_1_a_wrong_answer_gives_no_token():
    with (
        TokenBroker(settings(), Found(IDS)) as broker,
        pytest.raises(errors.ConfigurationError, match="directory returned a tuple"),
    ):
        broker.token(ALICE)


@pytest.mark.parametrize("found", [IDS, "alice", 7, True, PARTNER, ALICE_IN_MONITE, Principal, in_monite])
def test_identify_returns_a_principal_or_none(found):
    with pytest.raises(
        errors.ConfigurationError, match="identify returned .*; it has to be a Principal or None"
    ):
        checked_principal(found() if found is in_monite else found)


def test_a_class_is_no_directory():
    with pytest.raises(errors.ConfigurationError, match="the class Found; give an object of it"):
        as_directory(Found)


def test_a_principal_and_nobody_are_answers_of_identify():
    assert checked_principal(ALICE) is ALICE
    assert checked_principal(None) is None


@pytest.mark.parametrize("answer", [IDS, {"login": "alice"}, ALICE_IN_MONITE, in_monite])
def test_a_profile_function_returns_a_profile_or_none(answer):
    directory = ProvisioningDirectory(lambda p: answer() if answer is in_monite else answer)
    with TokenBroker(settings(), directory):
        for method in (directory.find, directory.update, directory.plan, directory.remove):
            with pytest.raises(
                errors.ConfigurationError, match="profile returned .*; it has to be a Profile"
            ) as caught:
                method(ALICE)
            assert "alice" not in str(caught.value)
        with pytest.raises(errors.ConfigurationError, match="profile returned"):
            asyncio.run(directory.afind(ALICE))
