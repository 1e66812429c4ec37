"""The reference pages and the OpenAPI document of the control side."""

import re

import pytest
from playwright.sync_api import expect

from monite_auth.emulator.control import endpoints, state
from monite_auth.emulator.control.reference import METHODS, control_document

PAGES = {"/docs": "/openapi.json", "/_emulator/docs": "/_emulator/openapi.json"}
PRIVATE = {"/", "/openapi.json", "/_emulator/page/{name}", "/_emulator/live"}
"""What serves the page, and Monite's side."""


def operations(document):
    return {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def test_the_document_has_every_operation_of_the_control_side(api):
    document = api.send("GET", "/_emulator/openapi.json").json()
    assert document == control_document()
    routes = [*endpoints.router.routes, *state.router.routes]
    served = {(method, route.path) for route in routes for method in route.methods}
    assert operations(document) == {each for each in served if each[1] not in PRIVATE}


def test_the_document_says_what_a_fault_and_a_move_of_the_clock_have():
    schemas = control_document()["components"]["schemas"]
    assert {"clock_skew", "drip"} <= {*schemas["Fault"]["properties"]["kind"]["enum"]}
    assert "begins with this" in schemas["Fault"]["properties"]["path"]["description"]
    number, text, _ = schemas["Move"]["properties"]["set"]["anyOf"]
    assert (number, text) == ({"type": "number"}, {"type": "string", "format": "date-time"})


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_every_operation_and_shape_and_loads_nothing(api, path):
    document = api.send("GET", PAGES[path]).json()
    page = api.send("GET", path)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for method, each in operations(document):
        assert f"<b>{method}</b> {each} " in page.text
    shapes = set(re.findall(r'<details id="([^"]+)"', page.text))
    assert shapes == {*document["components"]["schemas"]}
    linked = {*re.findall(r'href="([^"]+)"', page.text)}
    assert linked - {"data:,", PAGES[path]} <= {f"#{name}" for name in shapes}
    assert not re.search(r"<script|src=|@import|url\(", page.text)


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_in_a_browser_without_a_complaint(served, browser_page, path):
    browser_page.goto(served.url + path)
    name = {"/docs": "/payables post", "/_emulator/docs": "/_emulator/clock "}[path]
    summary = browser_page.locator("summary", has_text=f"POST {name}")
    summary.click()
    expect(summary.locator("..").get_by_text("body", exact=True)).to_be_visible()
