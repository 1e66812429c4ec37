"""Who may talk to the emulator: no page of a stranger, and no other machine unless it was said twice."""

import socket

import httpx
import pytest
from click.testing import CliRunner

from monite_auth.cli.plain import monite_auth as program
from monite_auth.emulator import Monite, create_app, serve

STRANGERS = "https://evil.example"
OURS = [
    "127.0.0.1",
    "localhost",
    "LOCALHOST.",
    "[::1]",
    "10.1.2.3",
    "monite",
    "app.localhost",
    "host.docker.internal",
]
THEIRS = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil@127.0.0.1", "evil.internal.example", "[x]", ""]  # fmt: skip
CHANGES = [
    ("POST", "/_emulator/reset", None),
    ("POST", "/_emulator/faults", b'{"kind":"hang"}'),
    ("DELETE", "/_emulator/faults", None),
    ("POST", "/_emulator/clock", b'{"advance":1}'),
    ("POST", "/_emulator/limit", b'{"requests_per_second":1}'),
]
READS = [
    ("GET", path, None)
    for path in ("/_emulator/ledger", "/_emulator/live", "/_emulator/seed", "/_emulator/clock")
]


@pytest.fixture
def stranger(served):
    """Send a request with these headers to the served emulator, which holds one token."""
    token = served.monite.mint(None, "client")

    def send(method, path, body=None, **headers):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = httpx.request(method, served.url + path, content=body, headers=sent)
        if answer.status_code in {403, 421}:
            assert token.masked not in answer.text
            assert served.monite.ledger.tokens == [token]
            assert served.monite.faults.orders == []
            assert served.monite.clock.ahead == 0
        assert not [name for name in answer.headers if name.startswith("access-control")]
        return answer

    return send


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("port", ["", ":8090"])
def test_it_answers_for_names_that_no_stranger_can_own(stranger, name, port):
    assert stranger("GET", "/_emulator/ledger", host=name + port).status_code == 200


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("path", ["/", "/v1/payables", "/_emulator/ledger", "/_emulator/page/page.js"])
def test_it_answers_for_no_other_name(stranger, name, path):
    refused = stranger("GET", path, host=name)
    assert refused.status_code == 421
    assert "does not answer for the host" in refused.json()["error"]["message"]


def test_it_answers_for_the_names_that_it_is_told():
    with serve(hosts=["Monite.example", "*.tests.example"]) as emulator:

        def status(host):
            return httpx.get(f"{emulator.url}/_emulator/clock", headers={"host": host}).status_code

        assert status("monite.example:80") == status("a.tests.example") == status("a.b.tests.example") == 200
        assert status("a.monite.example") == status("tests.example") == status("xtests.example") == 421


@pytest.mark.parametrize(
    "name",
    ["", "http://monite.example", "monite.example:80", "monite.example/", "*", "*example.com", "a.*.example", "mönite.example", "monite.example."],
)  # fmt: skip
def test_a_name_that_no_request_can_have_is_refused(name):
    with pytest.raises(ValueError, match="No request would ever be for"), serve(hosts=[name]):
        pass
    with pytest.raises(ValueError, match="No request would ever be for"):
        create_app(hosts=[name])
    refused = CliRunner().invoke(program, ["emulator", "--port", "0", "--allow-host", name])
    assert refused.exit_code == 1
    assert f"No request would ever be for {name!r}." in refused.output


def test_one_name_is_no_list_of_names():
    with pytest.raises(TypeError, match=r"hosts=\['monite.example'\]"), serve(hosts="monite.example"):
        pass


def test_an_app_in_process_answers_for_every_address_that_its_client_calls_it_by(api):
    assert api.send("GET", "https://api.sandbox.monite.com/_emulator/clock").status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), [*CHANGES, *READS])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_the_control_side_answers_no_page_of_another_site(stranger, method, path, body, site):
    refused = stranger(method, path, body, sec_fetch_site=site, content_type="text/plain")
    assert refused.status_code == 403
    assert "X-Monite-Emulator" in refused.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize("origin", [STRANGERS, "null", "http://127.0.0.1:1"])
def test_an_origin_is_enough_to_know_another_page(stranger, method, path, body, origin):
    assert stranger(method, path, body, origin=origin, content_type="text/plain").status_code == 403


def test_no_page_gets_leave_to_send_the_header(stranger):
    asking = {
        "access_control_request_method": "POST",
        "access_control_request_headers": "x-monite-emulator",
    }
    assert stranger("OPTIONS", "/_emulator/reset", origin=STRANGERS, **asking).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_monite_emulator": "1"},
        {"x_monite_emulator": "1", "origin": "http://localhost:3000"},
        {"sec_fetch_site": "same-origin", "origin": "http://localhost:3000"},
        {"sec_fetch_site": "none"},
        {"host": "monite:8090", "origin": "http://monite:8090"},
    ],
)
def test_the_control_side_answers_programs_and_its_own_page(stranger, served, headers):
    answer = stranger("POST", "/_emulator/reset", content_type="application/json", **headers)
    assert answer.status_code == 204
    assert served.monite.ledger.tokens == []


@pytest.mark.parametrize("path", ["/", "/_emulator/page/page.css"])
def test_the_page_can_be_linked_to(stranger, path):
    assert stranger("GET", path, sec_fetch_site="cross-site").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "", *(["::"] if socket.has_dualstack_ipv6() else [])])
def test_it_listens_for_other_machines_only_if_that_is_said_twice(host):
    with pytest.raises(ValueError, match="--expose, or expose=True"), serve(host=host):
        pass
    with serve(host=host, expose=True) as emulator:
        assert emulator.url.startswith(("http://127.0.0.1:", "http://[::1]:"))
        assert httpx.get(f"{emulator.url}/_emulator/clock").status_code == 200


def test_the_command_line_says_how_to_say_it_twice():
    refused = CliRunner().invoke(program, ["emulator", "--host", "0.0.0.0", "--port", "0"])
    assert refused.exit_code == 1
    assert "Other machines can reach 0.0.0.0" in refused.output
    assert "--expose" in refused.output


def test_no_folder_is_not_the_current_one():
    refused = CliRunner().invoke(program, ["emulator", "--host", "0.0.0.0", "--data", ""])
    assert refused.exit_code == 64
    assert "Name a folder; . is the current one." in refused.output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_needs_no_second_word(host):
    with serve(Monite(), host=host) as emulator:
        assert httpx.get(f"{emulator.url}/_emulator/clock").status_code == 200
