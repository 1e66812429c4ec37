"""The three security models: whose token goes out, who has to allow it, and what is refused before anything is sent."""

import asyncio
from dataclasses import replace

import pytest

from monite_auth import PARTNER, EntityUser, Principal, SecurityModel, Settings, TokenBroker, errors
from monite_auth.emulator import (
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    VIKTOR_ID,
    Fault,
)
from monite_auth.engine.runtime import run
from monite_auth.permissions.roles import Roles
from monite_auth.rbac import Action, ObjectType
from monite_auth.tokens import steady_clock
from tests.people import ANNA, PEOPLE, VIKTOR
from tests.scripted import ALICE, ALICE_IN_MONITE, BOB_IN_MONITE, World, granted, reply
from tests.waiting import until

GUEST = Principal("guest", session_id="guest-1")  # of the bakery, and nobody in Monite
STRANGER = Principal("stranger", session_id="stranger-1")
EVERYBODY = {**PEOPLE, "guest": EntityUser(None, BAKERY_ID)}
ROOT_MODELS = [SecurityModel.PARTNER_MANAGED, SecurityModel.MIXED]


class Rules:
    """The application's policy: everybody reads payables, Anna creates them; and what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, principal, object_type, action):
        self.asked.append((principal.user_id, object_type, action))
        if object_type is not ObjectType.PAYABLE:
            return object_type is ObjectType.ENTITY
        return action is Action.READ or principal.user_id == "anna"


@pytest.fixture
def rules():
    return Rules()


@pytest.fixture
def broker_in(emulator):
    """Brokers in a security model."""
    made = []

    def broker(model, authorize=None, *, store_url="memory://", scope="user"):
        settings = Settings(
            client_id=DEMO_CLIENT_ID,
            client_secret=DEMO_CLIENT_SECRET,
            base_url=emulator.api_url,
            requests_per_second=100_000,
            security_model=model,
            store_url=store_url,
            token_scope=scope,
        )
        made.append(TokenBroker(settings, EVERYBODY, authorize=authorize))
        return made[-1]

    yield broker
    for each in made:
        each.close()


@pytest.fixture(params=["threads", "tasks"])
def call(request):
    """Make one call in either form."""

    async def acall(broker, who, *args, **kwargs):
        async with broker:
            return await broker.aclient(who).request(*args, **kwargs)

    if request.param == "tasks":
        return lambda *args, **kwargs: asyncio.run(acall(*args, **kwargs))
    return lambda broker, who, *args, **kwargs: broker.client(who).request(*args, **kwargs)


@pytest.mark.parametrize("model", ROOT_MODELS)
def test_calls_carry_a_partner_token_and_the_entity_and_each_is_allowed_first(
    model, broker_in, rules, call, emulator
):
    broker = broker_in(model, rules)
    assert call(broker, ANNA, "GET", "/payables").status_code == 200
    created = call(broker, ANNA, "POST", "/payables", json={"description": "Flour"})
    assert created.json()["entity_id"] == BAKERY_ID
    assert rules.asked == [("anna", "payable", "read"), ("anna", "payable", "create")]
    assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}


@pytest.mark.parametrize("model", ROOT_MODELS)
def test_a_call_that_the_application_does_not_allow_is_not_sent(model, broker_in, rules, call, emulator):
    broker = broker_in(model, rules)
    for method, path in [("POST", "/payables"), ("GET", "/counterparts"), ("DELETE", f"/payables/{ANNA_ID}")]:
        with pytest.raises(errors.NotPermitted, match="authorize does not allow"):
            call(broker, VIKTOR, method, path)
    assert emulator.monite.ledger.tokens == []  # not even for a token


@pytest.mark.parametrize("model", ROOT_MODELS)
def test_without_a_policy_every_call_is_refused_and_the_error_says_how_to_give_one(model, broker_in, call):
    with pytest.raises(
        errors.NotPermitted, match=r"give TokenBroker an authorize\(principal, object_type, action\)"
    ):
        call(broker_in(model), ANNA, "GET", "/payables")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/entities"),
        ("POST", "/entities"),
        ("GET", "/settings"),
        ("POST", "/webhook_subscriptions"),
        ("GET", "/no_such_thing"),
        ("GET", "/payables/../entities"),
        ("GET", "/payables/%2e%2e/entities"),
        ("GET", "/payables//approve"),
        ("TRACE", "/payables"),
        ("POST", "/auth/token"),
    ],
)
def test_unknown_calls_are_refused(method, path, broker_in, call, rules):
    broker = broker_in(SecurityModel.PARTNER_MANAGED, lambda *_: True)
    with pytest.raises(errors.NotPermitted, match="Only the partner itself"):
        call(broker, ANNA, method, path)


def test_a_path_outside_of_the_api_is_refused(broker_in, call, emulator):
    broker = broker_in(SecurityModel.PARTNER_MANAGED, lambda *_: True)
    with pytest.raises(errors.NotPermitted):
        call(broker, ANNA, "GET", f"{emulator.url}/payables")


def test_another_entity_than_the_principals_is_refused_in_header_and_path(broker_in, rules, call):
    broker = broker_in(SecurityModel.PARTNER_MANAGED, rules)
    assert call(broker, ANNA, "GET", f"/entities/{BAKERY_ID}").status_code == 200
    assert (
        call(broker, ANNA, "GET", "/payables", headers={"x-monite-entity-id": BAKERY_ID}).status_code == 200
    )
    with pytest.raises(errors.NotPermitted, match="another entity"):
        call(broker, ANNA, "GET", f"/entities/{BOOKS_ID}")
    with pytest.raises(errors.NotPermitted, match="another entity"):
        call(broker, ANNA, "GET", "/payables", headers={"x-monite-entity-id": BOOKS_ID})


def test_the_partner_itself_is_not_asked_about(broker_in, call):
    broker = broker_in(SecurityModel.PARTNER_MANAGED)
    assert call(broker, PARTNER, "GET", "/entities").status_code == 200


@pytest.mark.parametrize("model", ROOT_MODELS)
def test_promise_9_no_principal_and_no_browser_is_handed_a_partner_token(model, broker_in, rules):
    broker = broker_in(model, rules)
    for give in (broker.token, broker.headers):
        with pytest.raises(errors.NoTokenToGive, match="root over every entity"):
            give(ANNA)
    for agive in (broker.atoken, broker.aheaders):
        with pytest.raises(errors.NoTokenToGive):
            asyncio.run(agive(ANNA))
    with pytest.raises(errors.NotLoggedIn):
        broker.token(None)
    assert broker.partner_token().entity_user is None


def test_promise_9_after_a_change_of_model_no_person_gets_a_kept_partner_token(
    broker_in, rules, tmp_path, emulator
):
    url = f"sqlite:///{tmp_path}/tokens.db"
    broker_in(SecurityModel.PARTNER_MANAGED, rules, store_url=url).client(ANNA).get("/payables")
    token = broker_in(SecurityModel.MONITE_MANAGED, store_url=url).token(ANNA)
    holders = {each.fingerprint: each.entity_user_id for each in emulator.monite.ledger.tokens}
    assert holders[token.fingerprint[:12]] == ANNA_ID


@pytest.mark.parametrize("model", ROOT_MODELS)
@pytest.mark.parametrize("scope", ["user", "session"])
def test_promise_5_a_logout_ends_calls_and_revokes_the_token_that_they_carried(
    model, scope, broker_in, rules, emulator
):
    broker = broker_in(model, rules, scope=scope)
    broker.client(ANNA).get("/payables")
    broker.client(VIKTOR).get("/payables")
    broker.logout(ANNA)
    with pytest.raises(errors.SessionEnded):
        broker.client(ANNA).get("/payables")
    until(lambda: len(emulator.monite.ledger.live()) == 1)
    assert broker.client(VIKTOR).get("/payables").status_code == 200


def test_only_the_partner_managed_model_serves_people_unknown_to_monite(broker_in, rules, call):
    assert call(broker_in(SecurityModel.PARTNER_MANAGED, rules), GUEST, "GET", "/payables").status_code == 200
    with pytest.raises(errors.NotLinked, match="in the security model mixed there has to be one"):
        call(broker_in(SecurityModel.MIXED, rules), GUEST, "GET", "/payables")
    with pytest.raises(errors.NotLinked, match="in the security model monite_managed"):
        broker_in(SecurityModel.MONITE_MANAGED).token(GUEST)
    with pytest.raises(errors.NotLinked, match="directory knows no entity user"):
        call(broker_in(SecurityModel.PARTNER_MANAGED, rules), STRANGER, "GET", "/payables")


def test_authorize_may_be_async_for_async_calls(broker_in):
    async def authorize(principal, object_type, action):
        return action == "read"

    broker = broker_in(SecurityModel.MIXED, authorize)

    async def read():
        async with broker:
            assert (await broker.aclient(ANNA).get("/payables")).status_code == 200
            with pytest.raises(errors.NotPermitted):
                await broker.aclient(ANNA).post("/payables", json={})

    asyncio.run(read())
    with pytest.raises(errors.BlockingCallError, match="authorize is an async function"):
        broker.client(ANNA).get("/payables")


def test_an_answer_other_than_true_and_false_is_an_error(broker_in, call):
    for answer in (None, 1, "yes", {"allowed": False}):
        broker = broker_in(SecurityModel.MIXED, lambda *_, answer=answer: answer)
        with pytest.raises(errors.ConfigurationError, match="has to be True or False"):
            call(broker, ANNA, "GET", "/payables")


def test_authorize_in_the_monite_managed_model_is_a_mistake(broker_in, rules):
    with pytest.raises(errors.ConfigurationError, match="MONITE_SECURITY_MODEL"):
        broker_in(SecurityModel.MONITE_MANAGED, rules)


@pytest.mark.parametrize("word", ["monite_managed", "partner_managed", "mixed"])
def test_the_model_is_set_by_its_word(word):
    settings = Settings(client_id=DEMO_CLIENT_ID, client_secret="s3cret", security_model=word)
    assert settings.security_model is SecurityModel(word)
    environ = {"MONITE_CLIENT_ID": DEMO_CLIENT_ID, "MONITE_CLIENT_SECRET": "s3cret"}
    assert (
        Settings.from_mapping({**environ, "MONITE_SECURITY_MODEL": word}, prefix="MONITE_").security_model
        == word
    )


def test_a_wrong_model_is_refused():
    with pytest.raises(
        errors.ConfigurationError, match='one of "monite_managed", "partner_managed", "mixed"'
    ):
        Settings(client_id=DEMO_CLIENT_ID, client_secret="s3cret", security_model="partner")


# -- roles


@pytest.fixture(params=["threads", "tasks"])
def ask(request):
    """Call a method of the broker in either form."""

    async def asked(broker, name, *args, **kwargs):
        async with broker:
            return await getattr(broker, f"a{name}")(*args, **kwargs)

    if request.param == "tasks":
        return lambda *args, **kwargs: asyncio.run(asked(*args, **kwargs))
    return lambda broker, name, *args, **kwargs: getattr(broker, name)(*args, **kwargs)


def test_a_role_is_read_once_per_token(broker_in, ask, emulator):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    for _ in range(3):
        assert ask(broker, "role", ANNA).allows("payable", "create")
    uses = [token.uses for token in emulator.monite.ledger.tokens]
    assert uses == [1]
    broker.relink("anna")
    ask(broker, "role", ANNA)
    assert sum(token.uses for token in emulator.monite.ledger.tokens) == 2


@pytest.mark.parametrize("ttl", [60, 5])
def test_a_role_that_was_changed_counts_after_a_while(emulated, ask, emulator, ttl):
    skipped = [0.0]
    roles = {each: emulator.monite.directory.users.get(each).role_id for each in (ANNA_ID, VIKTOR_ID)}
    settings = replace(emulated, role_ttl=ttl)
    with TokenBroker(settings, EVERYBODY, clock=lambda: steady_clock() + skipped[0]) as broker:

        def change_to(role_id):
            headers = {"x-monite-entity-id": BAKERY_ID}
            broker.client(PARTNER).patch(
                f"/entity_users/{ANNA_ID}", json={"role_id": role_id}, headers=headers
            ).raise_for_status()

        assert ask(broker, "role", ANNA).allows("payable", "create")
        change_to(roles[VIKTOR_ID])
        skipped[0] += ttl - 3
        assert ask(broker, "role", ANNA).allows("payable", "create")
        skipped[0] += 3
        assert not ask(broker, "role", ANNA).allows("payable", "create")


def test_a_role_is_kept_for_the_slot_that_it_was_read_for(broker_in, ask):
    """Where several people are given one token, the role of one is never another's."""
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    ask(broker, "role", ANNA)
    ((slot, fingerprint),) = broker._roles._kept
    assert (slot.user, fingerprint) == ("anna", ask(broker, "token", ANNA).fingerprint)


def test_can_says_what_the_role_grants(broker_in, ask):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    assert ask(broker, "can", ANNA, "payable", "create")
    assert ask(broker, "can", VIKTOR, "payable", "read")
    assert not ask(broker, "can", VIKTOR, "payable", "create")
    with pytest.raises(ValueError, match="did you mean 'payable'"):
        ask(broker, "can", ANNA, "payables", "read")
    with pytest.raises(ValueError, match="did you mean 'read'"):
        ask(broker, "can", ANNA, "payable", "reed")


def test_can_asks_the_application_in_the_models_where_it_decides(broker_in, ask, rules, emulator):
    broker = broker_in(SecurityModel.PARTNER_MANAGED, rules)
    assert ask(broker, "can", ANNA, "payable", "create")
    assert not ask(broker, "can", VIKTOR, "payable", "create")
    assert emulator.monite.ledger.tokens == []


def test_a_role_in_the_mixed_model_is_read_with_the_partner_token(broker_in, ask, rules):
    broker = broker_in(SecurityModel.MIXED, rules)
    assert ask(broker, "role", VIKTOR).allows("payable", "read")
    with pytest.raises(errors.NotLinked, match="is no entity user"):
        ask(broker_in(SecurityModel.PARTNER_MANAGED, rules), "role", GUEST)


def test_a_role_is_read_with_a_new_token_when_the_old_one_is_dead(broker_in, ask, emulator):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    broker.token(ANNA)
    for token in emulator.monite.ledger.live():
        emulator.monite.ledger.revoke(token)
    assert ask(broker, "role", ANNA).allows("payable", "read")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 503}, errors.MoniteUnavailable),
        ({"kind": "cut_before"}, errors.MoniteUnavailable),
        ({"kind": "invalid_json"}, errors.MoniteUnavailable),
        ({"kind": "throttle", "retry_after": 60}, errors.RateLimited),
        ({"kind": "status", "status": 404}, errors.NotPermitted),
    ],
)
def test_an_unreadable_role_is_an_error_that_says_so(broker_in, ask, emulator, fault, error):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    broker.token(ANNA)
    emulator.monite.faults.add(Fault(path="/entity_users/my_role", **fault))
    with pytest.raises(error, match="role in Monite could not be read"):
        ask(broker, "role", ANNA)


def test_promise_8_a_role_is_waited_for_as_long_as_monite_says(broker_in, ask, emulator):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    broker.token(ANNA)
    emulator.monite.faults.add(Fault(path="/entity_users/my_role", kind="throttle", retry_after=1, times=1))
    assert ask(broker, "role", ANNA).allows("payable", "create")


def test_a_person_who_is_linked_anew_while_their_role_is_read_has_the_role_of_who_they_are_now():
    people, names = {"alice": ALICE_IN_MONITE}, iter(["token-1", "token-2"])
    world = World(
        lambda _request: granted(next(names)),
        directory=people,
        security_model=SecurityModel.MIXED,
    )

    def answer(request):
        _, _, last = request.url.rpartition("/")
        if "/entity_users/" not in request.url:
            return reply(200, {"name": last, "permissions": {"objects": []}})
        if people["alice"] is ALICE_IN_MONITE:
            people["alice"] = BOB_IN_MONITE
            run(world.engine.endings.relink(world, "alice"))
        return reply(200, {"role_id": f"role-of-{last}"})

    world.revocations = [answer]
    roles = Roles(world.settings, world.engine.tokens, world.clock)
    expected = f"role-of-{BOB_IN_MONITE.entity_user_id}"
    assert [run(roles.role(world, ALICE)).name for _ in range(2)] == [expected] * 2


def test_access_says_what_its_principal_may_do(broker_in):
    from monite_auth import MoniteAccess

    broker = broker_in(SecurityModel.MONITE_MANAGED)
    viktor, nobody = MoniteAccess(broker, VIKTOR), MoniteAccess(broker, None)
    assert viktor.role().name
    assert viktor.can("payable", "read")
    viktor.demand("payable", "read")
    with pytest.raises(errors.NotPermitted, match="may not create"):
        viktor.demand("payable", "create")
    assert not nobody.can("payable", "read")
    with pytest.raises(errors.NotLoggedIn):
        nobody.demand("payable", "read")
    with pytest.raises(errors.NotLoggedIn):
        nobody.role()

    async def the_same():
        async with broker:
            assert (await viktor.arole()).name == viktor.role().name
            assert await viktor.acan("payable", "read")
            assert not await nobody.acan("payable", "read")
            await viktor.ademand("payable", "read")
            with pytest.raises(errors.NotPermitted):
                await viktor.ademand("payable", "create")

    asyncio.run(the_same())


def test_promise_9_a_token_quoted_in_a_refusal_is_masked(broker_in, ask, emulator):
    broker = broker_in(SecurityModel.MONITE_MANAGED)
    token = broker.token(ANNA).value.reveal()
    said = {"error": {"message": f"No role for bearer {token} of this user"}}
    emulator.monite.faults.add(Fault(kind="status", path="/entity_users/my_role", status=404, body=said))
    with pytest.raises(errors.MoniteAuthError) as caught:
        ask(broker, "role", ANNA)
    assert token not in str(caught.value)
    assert "***" in str(caught.value)
