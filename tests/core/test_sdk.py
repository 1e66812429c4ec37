"""Monite's official client through the broker, against the emulator: it must never notice that tokens come and go."""

import asyncio
import inspect

import monite
import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.emulator import BAKERY_ID
from monite_auth.sdk import amonite_client, monite_client

ANNA = Principal("anna", session_id="anna-1")
VIKTOR = Principal("viktor", session_id="viktor-1")
READER = monite.BizObjectsSchemaInput(
    objects=[
        monite.RootSchemaInput_Payable(
            object_type="payable",
            actions=[monite.PayableActionSchema(action_name="read", permission="allowed")],
        )
    ]
)


@pytest.fixture(params=["threads", "tasks"])
def story(request, broker):
    """Tell a story, written as `async def`, with the client of either form: what it awaits may be there already."""

    async def awaited(thing):
        return await thing if inspect.isawaitable(thing) else thing

    make = monite_client if request.param == "threads" else amonite_client

    def tell(tale):
        async def told():
            await tale(lambda who, **options: make(broker, who, **options), awaited)
            await broker.aclose()

        asyncio.run(told())

    return tell


def test_entities_users_and_roles(story):
    async def tale(client, done):
        partner = client(PARTNER)
        entity = await done(
            partner.entities.create(
                type="organization",
                email="office@example.com",
                address=monite.EntityAddressSchema(
                    city="Berlin", country="DE", line1="Main 1", postal_code="10115"
                ),
                organization=monite.OrganizationSchema(legal_name="New & Co"),
            )
        )
        assert (await done(partner.entities.get_by_id(entity.id))).organization.legal_name == "New & Co"
        owner = client(PARTNER, entity_id=entity.id)
        role = await done(owner.roles.create(name="Reader", permissions=READER))
        user = await done(owner.entity_users.create(first_name="Nina", login="nina", role_id=role.id))
        assert [each.id for each in (await done(owner.entity_users.get(login="nina"))).data] == [user.id]
        renamed = await done(owner.entity_users.update_by_id(user.id, last_name="Weber"))
        assert renamed.last_name == "Weber"
        await done(owner.entity_users.delete_by_id(user.id))
        assert (await done(owner.entity_users.get())).data == []

    story(tale)


def test_payables_of_a_user(story):
    async def tale(client, done):
        anna = client(ANNA)
        bill = await done(anna.payables.create(description="Flour", currency="EUR"))
        assert bill.entity_id == BAKERY_ID
        assert bill.id in [each.id for each in (await done(anna.payables.get(limit=100))).data]
        changed = await done(anna.payables.update_by_id(bill.id, description="Rye flour"))
        assert changed.description == "Rye flour"
        await done(anna.payables.delete_by_id(bill.id))
        with pytest.raises(monite.errors.NotFoundError):
            await done(anna.payables.get_by_id(bill.id))
        me = await done(anna.entity_users.get_current())
        assert (await done(anna.entity_users.get_current_role())).id == me.role_id

    story(tale)


def test_a_role_is_enforced_by_monite(story):
    async def tale(client, done):
        with pytest.raises(monite.errors.ForbiddenError):
            await done(client(VIKTOR).payables.create(description="Flour"))

    story(tale)


def test_tokens_that_die_midway_are_replaced_unnoticed(story, emulator):
    async def tale(client, done):
        anna = client(ANNA)
        first = len((await done(anna.payables.get())).data)
        emulator.monite.clock.advance(7200)  # Monite's clock, and not ours: it knows better
        assert len((await done(anna.payables.get())).data) == first
        for token in emulator.monite.ledger.live():
            emulator.monite.ledger.revoke(token)
        created = await done(anna.payables.create(description="Milk"))
        assert created.description == "Milk"
        assert len([token for token in emulator.monite.ledger.tokens if token.holder.login]) == 3

    story(tale)


def test_a_session_that_has_logged_out_gets_our_error(story, broker):
    async def tale(client, done):
        anna = client(ANNA)
        await done(anna.payables.get())
        await broker.alogout(ANNA)
        with pytest.raises(errors.SessionEnded):
            await done(anna.payables.get())

    story(tale)


def test_nothing_is_sent_for_an_anonymous_visitor(story):
    async def tale(client, done):
        with pytest.raises(errors.NotLoggedIn):
            await done(client(None).payables.get())

    story(tale)
