"""What the contract of pages without a token shares: a site that serves Monite's API, and a page of Anna's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from monite_auth.settings import Settings
from monite_auth.testing.adapters.fixtures import AdapterFixtures
from monite_auth.testing.adapters.site import CALL, Answer, Browser, Site

__all__ = ["UPLOAD", "PageFixtures", "said"]

UPLOAD = {**CALL, "content-type": "application/json"}
"""The headers of a call that has JSON with it."""


def said(answer: Answer) -> tuple[int, str]:
    """Return a refusal's status and code, and see that Monite's SDK can show it."""
    assert answer.json["error"]["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.refusal


class PageFixtures(AdapterFixtures):
    """Sites whose pages have no token, and their visitors."""

    @contextmanager
    def page_site(self, settings: Settings, **options: Any) -> Iterator[Site]:
        """Open a site of pages without tokens."""
        chosen = {"tenants": False, "authorize": None, "store": None, **options}
        with self.open_site(settings, **chosen, api=True) as site:
            yield site

    @pytest.fixture
    def page_browser(self, settings: Settings) -> Iterator[Browser]:
        """A browser with a page that has no token; nobody is logged in."""
        with self.page_site(settings) as site:
            yield Browser(site)

    @pytest.fixture
    def page(self, page_browser: Browser) -> Browser:
        """The page, of Anna."""
        page_browser.login("anna")
        return page_browser
