"""What taxes an invoice needs depends on where the seller and the customer are, and a query can say that in many ways."""

import uuid

import pytest

from monite_auth.emulator import BAKERY_ID, BOOKS_ID, TEA_ID

CAFE = "c0071e12-0000-4000-8000-000000000003"
ADDRESS = {"city": "Graz", "postal_code": "8010", "line1": "Sackstraße 1"}


class Office:
    """The partner, who asks on behalf of the bakery in Germany."""

    def __init__(self, api):
        self.api, self.token = api, api.token()

    def get(self, path, entity=BAKERY_ID, **query):
        return self.api.call("GET", path, self.token, entity, params=query)

    def made(self, path, **body):
        answer = self.api.call("POST", path, self.token, BAKERY_ID, json=body)
        assert answer.is_success, answer.text
        return answer.json()["id"]

    def rates(self, **query):
        return [each["value"] for each in self.get("/vat_rates", **query).json()["data"]]

    def needs(self, **query):
        fields = self.get("/receivables/required_fields", **query).json()
        return {who: fields[who].get("vat_id", {}).get("required") for who in ("entity", "counterpart")}


@pytest.fixture
def office(api):
    return Office(api)


def test_a_service_at_home_has_no_zero_rate(office):
    assert office.rates() == office.rates(product_type="product") == [1900, 700, 0]
    assert office.rates(product_type="service") == [1900, 700]


def test_a_sale_abroad_may_be_without_vat(office):
    abroad = {
        country: office.made(f"/counterparts/{CAFE}/addresses", country=country, **ADDRESS)
        for country in ("AT", "CH", "DE")
    }
    vat_id = office.made(f"/counterparts/{CAFE}/vat_ids", country="AT", value="ATU12345678", type="eu_vat")
    assert office.rates(counterpart_id=CAFE) == [1900, 700, 0]
    assert office.rates(counterpart_address_id=abroad["DE"]) == [1900, 700, 0]
    assert office.rates(counterpart_address_id=abroad["AT"]) == [1900, 700, 0]
    assert office.rates(counterpart_vat_id_id=vat_id, product_type="service") == [0]
    assert office.rates(counterpart_address_id=abroad["CH"]) == [0]


def test_an_entity_that_is_registered_elsewhere_sells_by_the_rates_there(office):
    vat_id = office.made(f"/entities/{BAKERY_ID}/vat_ids", country="AT", value="ATU12345678", type="eu_vat")
    assert office.rates(entity_vat_id_id=vat_id) == [2000, 1300, 1000, 0]


def test_a_business_elsewhere_in_the_eu_is_billed_by_the_vat_ids_of_both(office):
    neither, both = ({"entity": need, "counterpart": need} for need in (False, True))
    graz = office.made(f"/counterparts/{CAFE}/addresses", country="AT", **ADDRESS)
    vat_id = office.made(f"/counterparts/{CAFE}/vat_ids", country="AT", value="ATU12345678", type="eu_vat")
    assert office.needs() == office.needs(counterpart_id=CAFE) == neither
    assert office.needs(counterpart_country="AT") == office.needs(counterpart_vat_id_id=vat_id) == both
    assert office.needs(counterpart_billing_address_id=graz, counterpart_type="organization") == both
    assert office.needs(counterpart_country="CH") == office.needs(counterpart_country="DE") == neither
    assert office.needs(entity=TEA_ID, counterpart_country="AT") == neither
    at_home = office.made(f"/entities/{BAKERY_ID}/vat_ids", country="AT", value="ATU12345678", type="eu_vat")
    assert office.needs(entity_vat_id_id=at_home, counterpart_country="AT") == neither


def test_a_private_person_has_no_vat_id(office):
    person = {"counterpart_type": "individual", "counterpart_country": "AT"}
    assert office.needs(**person) == {"entity": False, "counterpart": None}


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        ("/vat_rates", "counterpart_id", 404),
        ("/vat_rates", "counterpart_address_id", 404),
        ("/vat_rates", "counterpart_vat_id_id", 404),
        ("/vat_rates", "entity_vat_id_id", 404),
        ("/receivables/required_fields", "counterpart_id", 422),
        ("/receivables/required_fields", "counterpart_billing_address_id", 422),
        ("/receivables/required_fields", "counterpart_vat_id_id", 422),
        ("/receivables/required_fields", "entity_vat_id_id", 422),
    ],
)
def test_an_id_that_belongs_to_nothing_is_refused_by_the_name_of_its_parameter(office, path, name, status):
    answer = office.get(path, **{name: str(uuid.uuid4())})
    assert (answer.status_code, name in answer.text) == (status, True)
    assert office.get(path, entity=BOOKS_ID, **{name: CAFE}).status_code == status
