"""The contract: what passes between a page and Monite, byte for byte and header for header, and what stays here."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from monite_auth.settings import Settings
from monite_auth.testing.adapters.fixtures import AdapterFixtures
from monite_auth.testing.adapters.site import CALL, Browser
from monite_auth.testing.adapters.upstream import Reply, Upstream, upstream

__all__ = ["CallPassage"]

FILE = "receivables/0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"
"""A call whose answer stands for a file here."""

TRICKS = (
    "../monite/token",
    "payables/../auth/token",
    "payables/./x",
    "payables//x",
    "//evil.example/payables",
    "http://evil.example/payables",
    "payables%2f..%2fauth%2ftoken",
    "%2e%2e/auth/token",
    "payables/%2e%2e/auth/revoke",
    "payables%5c..%5cauth",
    "payables;x=1",
    "payables%00",
    "payables%0a",
    "payables%3fx",
    "@evil.example/payables",
    "auth/token",
    "v1/auth/token",
    "v1/v1/payables",
    "internal/anything",
    "events",
    "settings",
    "",
)
"""Paths that are no calls of people's, or that could be read in two ways."""


class CallPassage(AdapterFixtures):
    """A server in Monite's place sees what goes out, and says what comes back."""

    @pytest.fixture
    def upstream(self) -> Iterator[Upstream]:
        """The server in Monite's place."""
        with upstream() as running:
            yield running

    @pytest.fixture
    def caller(self, settings: Settings, upstream: Upstream) -> Iterator[Browser]:
        """Anna's page."""
        # With one call at a time, one that is not over refuses the next.
        wired = replace(settings, base_url=upstream.url, api_calls_per_session=1)
        with self.open_site(wired, tenants=False, authorize=None, store=None, api=True) as site:
            browser = Browser(site)
            browser.login("anna")
            yield browser

    # -- on the way out

    def test_only_headers_that_are_written_down_go_to_monite_besides_the_servers_own(
        self, caller: Browser, upstream: Upstream
    ) -> None:
        mine = {
            "accept": "application/json",
            "accept-language": "de",
            "content-type": "application/json",
            "if-none-match": '"1"',
            "range": "bytes=0-9",
            "x-monite-version": "2024-05-25",
        }
        not_mine = {
            "authorization": "Bearer of-the-browser",
            "x-monite-entity-id": "0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001",
            "x-forwarded-for": "10.0.0.1",
            "forwarded": "for=10.0.0.1",
            "x-anything": "else",
            "referer": "http://testserver/secret",
            "user-agent": "a browser",
            "te": "trailers",
            "proxy-authorization": "Basic eDp5",
        }
        answer = caller.call("PATCH", f"{FILE}?a=%20b&c=/..", b'{"x": 1}', headers={**mine, **not_mine})
        assert answer.status == 200
        call = upstream.last
        assert (call.method, call.target) == ("PATCH", f"/v1/{FILE}?a=%20b&c=/..")
        assert call.beginning == b'{"x": 1}'
        sent = dict(call.headers)
        assert sent.pop("authorization") == "Bearer live-1"
        assert sent.pop("host") == upstream.url.split("/")[2]
        assert sent.pop("content-length") == "8"
        assert sent.pop("connection", "keep-alive") == "keep-alive"
        sent.pop("accept-encoding", "")  # of the framework's own test client, or ours
        assert sent.pop("x-monite-entity-id", "") != not_mine["x-monite-entity-id"]
        assert sent == mine
        assert "session" not in str(call.headers)

    def test_headers_that_connection_names_stay_here(self, caller: Browser, upstream: Upstream) -> None:
        hop = {**CALL, "connection": "close, If-None-Match", "if-none-match": '"1"'}
        assert caller.call("GET", "payables", headers=hop).status == 200
        assert "if-none-match" not in upstream.last.headers

    def test_a_path_that_could_be_read_in_two_ways_goes_nowhere(
        self, caller: Browser, upstream: Upstream
    ) -> None:
        for path in TRICKS:
            assert caller.call("GET", path).status in (400, 404), path
        assert upstream.calls == []
        assert caller.call("GET", "payables/").status == 200
        assert upstream.last.target == "/v1/payables"  # Monite has no path with a slash at its end

    def test_bodies_pass_whole_and_none_stays_none(self, caller: Browser, upstream: Upstream) -> None:
        for size in (1, 70_000, 3_000_000):
            body = bytes(range(251)) * (size // 251 + 1)
            headers = {**CALL, "content-type": "multipart/form-data; boundary=x"}
            assert caller.call("POST", "payables/upload_from_file", body, headers=headers).status == 200
            assert (upstream.last.size, upstream.last.digest) == (len(body), hashlib.sha256(body).hexdigest())
            assert upstream.last.headers["content-type"] == headers["content-type"]
        for method, path in (("POST", f"{FILE}/cancel"), ("DELETE", FILE), ("GET", FILE)):
            assert caller.call(method, path).status == 200
            assert (upstream.last.size, upstream.last.method) == (0, method)
            assert "transfer-encoding" not in upstream.last.headers

    # -- on the way back

    def test_a_file_arrives_byte_for_byte_and_never_as_a_page_of_the_site(
        self, caller: Browser, upstream: Upstream
    ) -> None:
        file = b"<script>alert(1)</script>" + bytes(range(256)) * 4000
        upstream.reply = lambda _call: Reply(
            headers={
                "Content-Type": "text/html",
                "Content-Disposition": 'inline; filename="bill.html"',
                "ETag": '"7"',
                "Set-Cookie": "session=evil",
                "Access-Control-Allow-Origin": "*",
                "Server": "monite",
                "Location": "https://evil.example",
            },
            body=[file[:1000], file[1000:]],
        )
        answer = caller.call("GET", FILE)
        assert (answer.status, answer.content == file) == (200, True)
        assert answer.headers["content-disposition"] == 'attachment; filename="bill.html"'
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["etag"] == '"7"'
        assert not {"access-control-allow-origin", "location"} & set(answer.headers)
        # Some versions of a framework send the session's own cookie with each answer.
        assert "session=evil" not in answer.headers.get("set-cookie", "")
        assert answer.headers.get("server") != "monite"

    def test_what_monite_has_packed_is_passed_on_packed(self, caller: Browser, upstream: Upstream) -> None:
        packed = gzip.compress(b'{"data": []}' * 100)
        upstream.reply = lambda _call: Reply(
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}, body=packed
        )
        answer = caller.call("GET", "payables", headers={**CALL, "accept-encoding": "gzip"})
        assert upstream.last.headers["accept-encoding"] == "gzip"
        assert (answer.headers["content-encoding"], answer.content) == ("gzip", packed)
        assert "content-disposition" not in answer.headers

    def test_head_and_not_modified_have_no_body(self, caller: Browser, upstream: Upstream) -> None:
        upstream.reply = lambda _call: Reply(
            headers={"Content-Type": "application/pdf", "Content-Length": "12345", "ETag": '"7"'}
        )
        answer = caller.call("HEAD", FILE)
        assert (upstream.last.method, answer.status, answer.content) == ("HEAD", 200, b"")
        upstream.reply = lambda _call: Reply(304, {"ETag": '"7"'})
        answer = caller.call("GET", FILE, headers={**CALL, "if-none-match": '"7"'})
        assert (answer.status, answer.content, answer.headers["etag"]) == (304, b"", '"7"')
        upstream.reply = lambda _call: Reply(204)
        assert caller.call("DELETE", FILE).status == 204

    def test_a_part_of_a_file_is_passed_on_as_one(self, caller: Browser, upstream: Upstream) -> None:
        upstream.reply = lambda _call: Reply(
            206, {"Content-Type": "application/pdf", "Content-Range": "bytes 0-3/9"}, b"%PDF"
        )
        answer = caller.call("GET", FILE, headers={**CALL, "range": "bytes=0-3"})
        assert upstream.last.headers["range"] == "bytes=0-3"
        assert (answer.status, answer.headers["content-range"]) == (206, "bytes 0-3/9")

    def test_a_redirect_and_a_401_of_monites_are_not_the_browsers_business(
        self, caller: Browser, upstream: Upstream
    ) -> None:
        upstream.reply = lambda _call: Reply(302, {"Location": "https://evil.example"})
        answer = caller.call("GET", "payables")
        assert answer.refusal == (502, "redirected")
        assert "location" not in answer.headers
        upstream.reply = lambda _call: Reply(401, {"Content-Type": "application/json"}, b"{}")
        assert caller.call("GET", "payables").refusal == (502, "call_refused")
        upstream.reply = lambda _call: Reply(
            429, {"Content-Type": "application/json", "Retry-After": "7"}, b"{}"
        )
        answer = caller.call("GET", "payables")
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
