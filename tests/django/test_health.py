"""The health endpoint of a project."""

import pytest

import monite_auth_django


@pytest.fixture
def health(settings, monite_settings):
    return lambda wanted: settings(MONITE_AUTH=monite_settings | {"HEALTH": wanted})


def test_it_is_there_where_the_project_wants_it(client, health):
    assert client.get("/monite/health").status_code == 404
    health(wanted=True)
    for path in ("/monite/health", "/monite/health/live"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert client.post(path).status_code == 405


def test_whom_the_project_lets_know_learns_the_reasons(client, health):
    health(lambda request: "X-Staff" in request.headers)
    assert client.get("/monite/health").json() == {"status": "ok"}
    told = client.get("/monite/health", headers={"X-Staff": "yes"}).json()
    assert (told["reasons"], told["store"]) == ([], "up")
    assert monite_auth_django.broker().health().ready
