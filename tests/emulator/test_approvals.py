"""Projects, comments, approval policies and approval requests: what is special about each, and who may do it."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, OSKAR_ID, TILDA_ID, VIKTOR_ID
from monite_auth.emulator.world.permissions import common

BILL = "9a1ab1e0-0000-4000-8000-000000000001"
OTHERS_BILL = "9a1ab1e0-0000-4000-8000-000000000003"
POLICY = {
    "name": "Over 1,000",
    "script": [{"call": "ApprovalRequests.request_approval_by_users", "params": {"user_ids": [ANNA_ID]}}],
    "trigger": True,
}
COMMENT = {"text": "Flour again?", "object_type": "payable", "object_id": BILL}
REQUEST = {"object_type": "payable", "object_id": BILL, "required_approval_count": 2}
BODIES = {
    "/projects": {"name": "Second oven", "code": "OVEN2"},
    "/comments": COMMENT,
    "/approval_policies": POLICY,
    "/approval_requests": REQUEST | {"user_ids": [ANNA_ID]},
}
KINDS = ("project", "comment", "approval_policy", "approval_request")


@pytest.fixture
def send(api):
    """Call the API as the partner, or as somebody of the bakery who has all permissions here."""
    directory = api.monite.directory
    for user in (ANNA_ID, OSKAR_ID):
        role = directory.roles.get(directory.users.get(user).role_id)
        rules = [common(kind, "create", "read", "update", "delete") for kind in KINDS]
        permissions = {"objects": [*rules, common("tag", "create")]}
        directory.roles.change(role, {"permissions": permissions})

    def call(method, path, body=None, user=None, **query):
        return api.call(method, path, api.token(user), BAKERY_ID, json=body, params=query)

    return call


@pytest.mark.parametrize("path", BODIES)
def test_records_are_created_read_and_listed_by_those_who_may(send, path):
    for user in (None, ANNA_ID):
        created = send("POST", path, BODIES[path], user)
        assert created.status_code == 201, created.text
        assert send("GET", f"{path}/{created.json()['id']}").json() == created.json()
        assert send("GET", path, order="desc", limit=1).json()["data"] == [created.json()]
        author = {created.json().get(name) for name in ("created_by", "created_by_entity_user_id")}
        assert author <= {None, user or DEMO_CLIENT_ID}
    assert send("POST", path, BODIES[path], VIKTOR_ID).status_code == 403
    assert send("GET", path, user=VIKTOR_ID).status_code == 403


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/projects", {"name": "Third oven"}),
        ("/comments", {"text": "No."}),
        ("/approval_policies", {"status": "pending"}),
    ],
)
def test_records_are_changed_and_deleted(send, path, change):
    created = f"{path}/{send('POST', path, BODIES[path]).json()['id']}"
    assert send("PATCH", created, change, ANNA_ID).json().items() >= change.items()
    assert send("PATCH", created, change, VIKTOR_ID).status_code == 403
    assert send("DELETE", created, user=ANNA_ID).status_code == 204
    assert send("GET", created).status_code == 404


def test_a_project_bears_tags_and_has_bills(send):
    tag = send("POST", "/tags", {"name": "Investment"}).json()
    project = send("POST", "/projects", {"name": "Oven", "tag_ids": [tag["id"]]}).json()
    assert project["tags"] == [tag]
    bill = send("POST", "/payables", {"project_id": project["id"]}).json()
    assert send("GET", "/payables", project_id=project["id"]).json()["data"] == [bill]


@pytest.mark.parametrize("field", ["name", "description"])
def test_a_policy_says_no_more_than_can_be_shown(send, field):
    policy = f"/approval_policies/{send('POST', '/approval_policies', POLICY).json()['id']}"
    assert send("PATCH", policy, {field: "x" * 255}).json()[field] == "x" * 255
    refused = send("PATCH", policy, {field: "x" * 256})
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", field])


def test_a_comment_is_about_a_bill_of_the_entity(send):
    assert send("POST", "/comments", COMMENT | {"object_type": "receivable"}).status_code == 400
    assert send("POST", "/comments", COMMENT | {"object_id": OTHERS_BILL}).status_code == 404
    said = send("POST", "/comments", COMMENT).json()
    assert send("GET", "/comments", object_type="payable", object_id=BILL).json()["data"] == [said]
    assert send("GET", "/comments", object_type="payable", object_id=OTHERS_BILL).json()["data"] == []


def test_a_request_is_approved_when_enough_of_those_whom_it_asks_have_agreed(send):
    asked = send("POST", "/approval_requests", REQUEST | {"user_ids": [ANNA_ID, OSKAR_ID]}).json()
    path = f"/approval_requests/{asked['id']}"
    assert send("POST", f"{path}/approve", user=ANNA_ID).json()["status"] == "waiting"
    assert send("POST", f"{path}/approve", user=ANNA_ID).status_code == 409
    done = send("POST", f"{path}/approve", user=OSKAR_ID).json()
    assert (done["status"], done["approved_by"]) == ("approved", [ANNA_ID, OSKAR_ID])
    for action in ("approve", "reject", "cancel"):
        assert send("POST", f"{path}/{action}").status_code == 409
    assert send("GET", "/approval_requests", user_id=OSKAR_ID, status="approved").json()["data"] == [done]
    assert send("GET", "/approval_requests", user_id=TILDA_ID).json()["data"] == []


def test_a_request_is_rejected_by_whom_it_asks_and_canceled_by_whoever_may(send, api):
    role = api.monite.directory.users.get(OSKAR_ID).role_id
    first, second = (
        send("POST", "/approval_requests", REQUEST | {"role_ids": [role]}).json() for _ in range(2)
    )
    path = f"/approval_requests/{first['id']}"
    assert send("POST", f"{path}/reject", user=ANNA_ID).status_code == 403
    rejected = send("POST", f"{path}/reject", user=OSKAR_ID).json()
    assert (rejected["status"], rejected["rejected_by"]) == ("rejected", OSKAR_ID)
    assert (
        send("POST", f"/approval_requests/{second['id']}/cancel", user=ANNA_ID).json()["status"] == "canceled"
    )
