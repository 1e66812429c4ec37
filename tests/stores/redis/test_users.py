"""Users of a Redis server need the rights that the documentation names, and no more; refusals show no password."""

import re

import pytest

import monite_auth.stores.redis
from monite_auth.errors import ConfigurationError, StoreUnavailable
from tests.stores.harness import FORMS
from tests.stores.live import LiveGround, user
from tests.stores.redis.ground import PASSWORD, do_everything


def documented_rights():
    (rights,) = re.findall(
        r"^ +(~\{monite.*?)\n\n", str(monite_auth.stores.redis.__doc__), re.MULTILINE | re.DOTALL
    )
    return rights.split()


@pytest.mark.parametrize("place", ["server", "cluster"])
def test_the_rights_that_the_docs_name_are_enough_and_none_too_many(place, request, drive):
    found = request.getfixturevalue(place)
    nodes = getattr(found, "nodes", [found])
    rights = documented_rights()
    more = ["+cluster|slots", "+cluster|shards"] if place == "cluster" else []
    for node in nodes:
        node.admin.execute_command("ACL SETUSER", "app", "reset", "on", f">{PASSWORD}", *rights, *more)
        node.admin.config_resetstat()
    for form in FORMS:
        driver = drive(LiveGround(found.url.replace("://", f"://app:{PASSWORD}@")), form)
        do_everything(driver)
        for node in nodes:
            node.admin.script_flush()
        driver.put("t", *user(1))
        for node in nodes:
            node.admin.flushall()
    used = {command for node in nodes for command in node.calls()}
    assert {right.removeprefix("+") for right in rights if right.startswith("+")} <= used
    for node in nodes:
        node.admin.acl_deluser("app")


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_user_is_told_without_the_password(server, form, drive):
    server.admin.execute_command("ACL SETUSER", "app", "reset", "on", f">{PASSWORD}", *documented_rights())
    url = server.url.replace("://", "://app:%s@")
    right, wrong = drive(LiveGround(url % PASSWORD), form), drive(LiveGround(url % f"not-{PASSWORD}"), form)
    nobody = drive(LiveGround(server.url.replace("://", "://:%s@" % PASSWORD)), form)
    right.put("t")
    for driver in (wrong, nobody):
        with pytest.raises(ConfigurationError, match="user name and password in MONITE_STORE_URL") as caught:
            driver.peek()
        assert PASSWORD not in str(caught.value)
        assert PASSWORD not in repr(driver.store)
    server.admin.execute_command("ACL SETUSER", "app", "resetpass", ">changed")
    server.admin.client_kill_filter(_type="normal")
    with pytest.raises(StoreUnavailable, match="refuses this user"):
        right.peek()
    server.admin.acl_deluser("app")
