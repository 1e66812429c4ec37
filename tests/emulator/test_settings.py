"""Settings of the partner and of entities, metadata, currencies, and entities that are switched off."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID


def test_the_partner_changes_its_settings_and_nobody_else_does(api):
    assert api.call("GET", "/settings", api.token()).json() == {}
    change = {"currency": {"default": "EUR"}, "website": "https://partner.example"}
    assert api.call("PATCH", "/settings", api.token(), json=change).json() == change
    assert api.call("PATCH", "/settings", api.token(), json={"website": None}).json() == change | {
        "website": None
    }
    assert api.call("GET", "/settings", api.token(ANNA_ID)).status_code == 403


def test_an_entity_has_settings_of_its_own(api):
    partner, path = api.token(), f"/entities/{BAKERY_ID}/settings"
    before = api.call("GET", path, partner).json()
    changed = api.call("PATCH", path, partner, json={"language": "de"}).json()
    assert changed == before | {"language": "de"}
    assert api.call("GET", f"/entities/{BOOKS_ID}/settings", partner).json() == before
    assert api.call("GET", path, api.token(ANNA_ID)).json() == changed
    assert api.call("PATCH", path, api.token(ANNA_ID), json={"language": "fr"}).status_code == 403
    assert api.call("GET", f"/entities/{BOOKS_ID}/settings", api.token(ANNA_ID)).status_code == 403


def test_the_next_document_numbers_are_those_that_were_chosen(api):
    partner, path = api.token(), f"/entities/{BAKERY_ID}/settings"
    api.call("PATCH", path, partner, json={"document_ids": {"next_number": {"invoice": 17}}})
    numbers = api.call("GET", f"{path}/next_document_numbers", partner).json()
    assert (numbers["invoice"], numbers["quote"]) == (17, 1)


@pytest.mark.parametrize("kind", ["entities", "counterparts"])
def test_metadata_is_replaced_as_a_whole(api, kind):
    record = BAKERY_ID if kind == "entities" else api.monite.directory.counterparts.all(BAKERY_ID)[0].id
    path = f"/{kind}/{record}/partner_metadata"
    assert api.call("GET", path, api.token(), BAKERY_ID).json() == {"metadata": None}
    for metadata in ({"tier": "gold", "since": 2019}, {"tier": None}):
        put = api.call("PUT", path, api.token(), BAKERY_ID, json={"metadata": metadata})
        assert put.json() == {"metadata": metadata}
        assert api.call("GET", path, api.token(ANNA_ID), BAKERY_ID).json() == {"metadata": metadata}


def test_currencies_are_known_with_their_digits(api):
    currencies = api.call("GET", "/internal/currencies", api.token(ANNA_ID)).json()
    assert currencies["EUR"] == {"name": "Euro", "symbol": "€", "minor_units": 2}
    assert [currencies[code]["minor_units"] for code in ("JPY", "KWD", "ZMW")] == [0, 3, 2]


def test_an_entity_is_switched_off_and_on(api):
    partner, path = api.token(), f"/entities/{BAKERY_ID}"
    assert api.call("POST", f"{path}/deactivate", partner).json()["status"] == "inactive"
    assert api.call("POST", f"{path}/deactivate", partner).status_code == 400
    listed = api.call("GET", "/entities", partner, params={"status": "inactive"}).json()["data"]
    assert [entity["id"] for entity in listed] == [BAKERY_ID]
    assert api.call("POST", f"{path}/activate", partner).json()["status"] == "active"
    assert api.call("POST", f"{path}/activate", api.token(ANNA_ID)).status_code == 403
