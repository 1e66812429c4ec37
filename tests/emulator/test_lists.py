"""Filters, order and pages: every parameter that Monite's lists have is served, whatever the list."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, OSKAR_ID, VIKTOR_ID
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.specification.facts import operations
from monite_auth.emulator.specification.validation import resolved

SEEDED = {"/payables": 7, "/counterparts": 3, "/entity_users": 3, "/roles": 4, "/entities": 3}


def rows(api, path, **query):
    answer = api.call("GET", path, api.token(), BAKERY_ID, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def found(api, path, field, **query):
    return [each[field] for each in rows(api, path, **query)]


@pytest.mark.parametrize(
    ("query", "documents"),
    [
        ({"status": "paid"}, ["SW-2290417"]),
        ({"status__in": ["paid", "rejected"]}, ["OK-0098", "SW-2290417"]),
        ({"total_amount__gte": 182_400}, ["MIETE-SPREE-12", "MM-10873"]),
        ({"total_amount__gt": 182_400}, ["MIETE-SPREE-12"]),
        ({"total_amount__gt": 10**30}, []),
        ({"amount__lt": 30_000}, ["NV-5531"]),
        ({"currency": "USD"}, []),
        ({"document_id__icontains": "nv-"}, ["NV-5531"]),
        ({"document_id__contains": "nv-"}, []),
        ({"counterpart_name": "Ofenbau Krüger"}, ["OK-0098"]),
        ({"counterpart_name__icontains": "NORDSEE"}, ["NV-5531"]),
        ({"search_text": "krüger"}, ["OK-0098"]),
        ({"id__in": ["9a1ab1e0-0000-4000-8000-000000000001"]}, ["SW-2290417"]),
        ({"due_date__lt": "1999-01-01"}, []),
        ({"was_created_by_user_id": OSKAR_ID, "status": "new"}, ["NV-5531"]),
        ({"has_tags": True}, []),
        ({"has_file": False, "status": "paid"}, ["SW-2290417"]),
        ({"sort": "created_at", "order": "asc", "limit": 1}, ["SW-2290417"]),
        ({"sort": "issued_at", "order": "asc", "limit": 1}, ["SW-2290417"]),
    ],
)
def test_bills_are_filtered_and_sorted(api, query, documents):
    assert found(api, "/payables", "document_id", **query) == documents


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"counterpart_name__iexact": "café morgenrot"}, ["Café Morgenrot"]),
        ({"is_customer": True}, ["Café Morgenrot"]),
        ({"address.postal_code": "10178"}, ["Spree Immobilien GmbH"]),
        ({"iban": "DE00"}, []),
        ({"sort": "counterpart_name", "order": "desc", "limit": 1}, ["Spree Immobilien GmbH"]),
    ],
)
def test_counterparts_are_filtered_and_sorted(api, query, names):
    assert [each["legal_name"] for each in found(api, "/counterparts", "organization", **query)] == names


def test_people_roles_and_entities_are_filtered(api):
    assert found(api, "/entity_users", "id", name__istartswith="ANNA B") == [ANNA_ID]
    assert found(api, "/entity_users", "id", first_name="Nobody") == []
    assert found(api, "/entity_users", "id", status="deleted") == []
    viewer = api.monite.directory.users.get(VIKTOR_ID).role_id
    assert found(api, "/entity_users", "id", role_id__in=[viewer]) == [VIKTOR_ID]
    assert found(api, "/roles", "id", id__in=[viewer]) == [viewer]
    assert found(api, "/entities", "id", email="Accounts@HarbourBooks.example") == [BOOKS_ID]
    assert BOOKS_ID not in found(api, "/entities", "id", id__not_in=[BOOKS_ID])


def test_a_moment_is_compared_as_a_moment_in_whatever_zone_it_is_written(api, monite):
    api.monite.clock.advance(3600)
    made = api.call("POST", "/payables", api.token(), BAKERY_ID, json={}).json()
    later, exact = "2025-11-30T14:00:00.250000+01:00", made["created_at"]
    assert found(api, "/payables", "id", created_at__gte=exact) == [made["id"]]
    assert found(api, "/payables", "id", created_at__gt=exact) == []
    assert found(api, "/payables", "id", created_at__gte=later) == [made["id"]]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"colour": "red"}, "colour"),
        ({"order": "sideways"}, "order"),
        ({"sort": "colour"}, "sort"),
        ({"limit": "1.5"}, "limit"),
        ({"limit": "\u0663"}, "limit"),
        ({"total_amount": "\u0663"}, "total_amount"),
        ({"has_file": "perhaps"}, "has_file"),
        ({"due_date": "0"}, "due_date"),
        ({"status": ["new", "paid"]}, "status"),
    ],
)
def test_a_parameter_that_cannot_be_served_is_refused_and_not_ignored(api, query, place):
    answer = api.call("GET", "/payables", api.token(), BAKERY_ID, params=query)
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["detail"]] == [["query", place]]


def test_every_parameter_of_every_list_is_served(api):
    """Each parameter is tried alone, with a value that its schema allows: the list must not fail on any."""
    values = {
        "uuid": ANNA_ID,
        "date": "2025-01-01",
        "date-time": "2025-01-01T00:00:00Z",
        "email": "a@b.example",
    }
    partner = api.token()
    for operation in operations():
        has_pages = "pagination_token" in operation.query and "{" not in operation.path
        if has_pages and (operation.method, operation.path) in SERVED:
            for name, schema in operation.query.items():
                value = example(schema, values)
                if name != "pagination_token":
                    answer = api.call("GET", operation.path, partner, BAKERY_ID, params={name: value})
                    assert answer.status_code == 200, (operation.path, name, answer.text)


def example(schema, values):
    schema = resolved(schema)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], values)
    if schema.get("type") == "array":
        return [example(schema["items"], values)]
    if "enum" in schema:
        return schema["enum"][0]
    return values.get(schema.get("format")) or {"integer": 1, "boolean": True}.get(schema["type"], "text")


@pytest.mark.parametrize(("path", "count"), SEEDED.items())
def test_pages_show_everything_once_in_both_directions(api, path, count):
    partner, seen, query = api.token(), [], {"limit": 2}
    while query:
        answer = api.call("GET", path, partner, BAKERY_ID, params=query).json()
        seen += [each["id"] for each in answer["data"]]
        following, previous = answer.get("next_pagination_token"), answer.get("prev_pagination_token")
        query = {"pagination_token": following} if following else None
    assert len({*seen}) == len(seen) == count
    back = api.call("GET", path, partner, BAKERY_ID, params={"pagination_token": previous}).json()
    assert [each["id"] for each in back["data"]] == seen[(count - 1) // 2 * 2 - 2 :][:2]


def test_a_page_goes_on_after_a_record_that_was_deleted_meanwhile(api):
    partner = api.token()
    everything = found(api, "/payables", "id")
    first = api.call("GET", "/payables", partner, BAKERY_ID, params={"limit": 3}).json()
    bill = api.monite.directory.payables.get(first["data"][-1]["id"])
    api.monite.directory.payables.remove(bill)
    query = {"pagination_token": first["next_pagination_token"]}
    following = api.call("GET", "/payables", partner, BAKERY_ID, params=query).json()
    assert [each["id"] for each in following["data"]] == everything[3:6]


def test_the_order_is_that_of_the_dates_also_where_the_clock_was_set_back(api, monite):
    later = api.call("POST", "/tags", api.token(), BAKERY_ID, json={"name": "made first"}).json()
    monite.clock.set(monite.clock.now() - 3600)
    earlier = api.call("POST", "/tags", api.token(), BAKERY_ID, json={"name": "made second"}).json()
    tags = found(api, "/tags", "id", sort="created_at")
    assert (tags[0], tags[-1]) == (earlier["id"], later["id"])
