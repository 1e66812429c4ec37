"""Files: kept as they came, told by what they belong to, and read at their URLs; uploads and what OCR does to them."""

import base64
import hashlib
from typing import Any

import pytest

from monite_auth.emulator import AMELIA_ID, ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID
from tests.emulator.payables import Bills

PDF = b"%PDF-1.4 a bill"
UPLOAD = {"file": ("bill.pdf", PDF, "application/pdf")}

BROKEN = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nabc\r\n--b--\r\n'


@pytest.fixture
def bills(api):
    return Bills(api)


def content(api, file):
    return api.send("GET", file["url"].removeprefix("http://emulator"))


def test_an_upload_becomes_a_draft_with_its_file(bills):
    bill = bills.send("POST", "/upload_from_file", files=UPLOAD)
    assert bill.status_code == 201
    shown = bill.json()
    assert (shown["status"], shown["ocr_status"], shown["source_of_payable_data"]) == (
        "draft",
        "processing",
        "ocr",
    )
    file = shown["file"]
    assert (file["name"], file["mimetype"], file["size"]) == ("bill.pdf", "application/pdf", len(PDF))
    assert file["md5"] == hashlib.md5(PDF, usedforsecurity=False).hexdigest()
    assert shown["file_id"] == file["id"]
    answer = content(bills.api, file)
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    history = bills.send("GET", f"/{shown['id']}/history").json()["data"]
    assert [each["event_type"] for each in history] == ["payable_created", "file_attached"]
    assert history[1]["event_data"] == {"file_name": "bill.pdf", "file_size": len(PDF), "url": file["url"]}


def test_ocr_ends_by_itself_or_is_canceled(bills):
    first, second = (bills.send("POST", "/upload_from_file", files=UPLOAD).json()["id"] for _ in range(2))
    assert bills.send("POST", f"/{first}/cancel_ocr").json()["ocr_status"] == "canceled"
    bills.api.monite.clock.advance(5)
    listed = bills.send("GET", "", params={"ocr_status": "success"}).json()["data"]
    assert [each["id"] for each in listed] == [second]
    for bill in (first, second):
        assert bills.send("POST", f"/{bill}/cancel_ocr").status_code == 409


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"files": {"file": ("bill.txt", b"Bread", "text/plain")}}, 400),
        ({"files": {"file": ("bill.pdf", PDF + b" " * 20 * 1024 * 1024, "application/pdf")}}, 400),
        ({"data": {"file": "bill.pdf"}, "files": {"other": ("bill.pdf", PDF)}}, 422),
        ({"json": {"file": "bill.pdf"}}, 422),
        *(
            (
                {
                    "content": BROKEN,
                    "headers": {"content-type": f"multipart/form-data; boundary=b; charset={name}"},
                },
                422,
            )
            for name in ("undefined", "hex", "utf-16", "nonsense")
        ),
    ],
)
def test_what_is_no_bill_is_refused(bills, options, status):
    assert bills.send("POST", "/upload_from_file", **options).status_code == status
    assert bills.send("POST", "/upload_from_file", files=UPLOAD, user=VIKTOR_ID).status_code == 403


def test_a_form_that_is_cut_off_is_told_as_such(bills):
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="bill.pdf"\r\n\r\n%PDF'
    options = {"content": cut, "headers": {"content-type": "multipart/form-data; boundary=b"}}
    (complaint,) = bills.send("POST", "/upload_from_file", **options).json()["detail"]
    assert complaint["msg"] == "This is no form: it is cut off before its end"


def test_a_file_is_attached_once(bills):
    bill = bills.draft()
    assert bills.send("GET", "", params={"has_file": True}).json()["data"] == []
    attached = bills.send("POST", f"{bill}/attach_file", files=UPLOAD)
    assert attached.json()["file"]["name"] == "bill.pdf"
    assert [each["id"] for each in bills.send("GET", "", params={"has_file": True}).json()["data"]] == [
        bill[1:]
    ]
    assert bills.send("POST", f"{bill}/attach_file", files=UPLOAD).status_code == 409
    assert bills.send("POST", f"{bill}/attach_file", files=UPLOAD, user=VIKTOR_ID).status_code == 403


def test_a_bill_brings_its_file_in_base64(bills):
    body = {"base64_encoded_file": base64.b64encode(PDF).decode(), "file_name": "scan.pdf"}
    bill = bills.send("POST", "", body).json()
    assert (bill["file"]["name"], content(bills.api, bill["file"]).content) == ("scan.pdf", PDF)
    before = bills.send("GET", "").json()["data"]
    for wrong in ("bread?", "Brötchen"):
        assert bills.send("POST", "", {"base64_encoded_file": wrong}).status_code == 400
    assert bills.send("GET", "").json()["data"] == before


def test_files_are_uploaded_listed_and_deleted_by_those_whose_they_are(api):
    def send(method, path="", user=None, **options):
        return api.call(method, f"/files{path}", api.token(user), **options)

    page = {"file": ("page.html", b"<script>", "text/html")}
    mine = send("POST", user=ANNA_ID, files=page, data={"file_type": "attachments"})
    assert mine.status_code == 201
    theirs = send("POST", user=AMELIA_ID, files=UPLOAD, data={"file_type": "payables"}).json()
    partners = send("POST", files=UPLOAD, data={"file_type": "payables"}).json()
    assert send("GET", user=ANNA_ID).json()["data"] == [mine.json()]
    assert send("GET").json()["data"] == [mine.json(), theirs, partners]
    assert send("GET", params={"file_type": "payables"}, user=AMELIA_ID).json()["data"] == [theirs]
    assert send("GET", params={"id__in": partners["id"]}).json()["data"] == [partners]
    assert send("GET", f"/{theirs['id']}", user=ANNA_ID).status_code == 404
    # A browser runs no page from here: it would have the origin of the emulator's own page.
    answer = content(api, mine.json())
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert send("DELETE", f"/{mine.json()['id']}", user=ANNA_ID).status_code == 204
    assert content(api, mine.json()).status_code == 404
    assert send("POST", files=page, data={"file_type": "novels"}).status_code == 422


def test_a_suggestion_is_the_counterpart_with_the_name_on_the_bill(bills):
    bill = bills.draft()
    assert bills.send("GET", f"{bill}/suggestions").status_code == 404
    bills.send("PATCH", bill, {"counterpart_raw_data": {"name": "MÜHLENHOF Mehle KG"}})
    supplier = bills.api.monite.directory.counterparts.all()[0]
    suggested = bills.send("GET", f"{bill}/suggestions").json()["suggested_counterpart"]
    assert suggested["id"] == supplier.id
    assert bills.send("DELETE", f"{bill}/suggestions", user=VIKTOR_ID).status_code == 403
    assert bills.send("DELETE", f"{bill}/suggestions").json() == {}
    assert bills.send("GET", f"{bill}/suggestions").status_code == 404


def test_a_suggestion_names_the_address_only_while_there_is_one(bills):
    """A counterpart of a seed file need not have one, and an address can be deleted."""
    bill = bills.draft()
    bills.send("PATCH", bill, {"counterpart_raw_data": {"name": "MÜHLENHOF Mehle KG"}})
    call, directory = bills.api.call, bills.api.monite.directory
    supplier = directory.counterparts.all()[0]
    (address,) = directory.table("counterparts.addresses").all(parent_id=supplier.id)

    def suggested() -> Any:
        return bills.send("GET", f"{bill}/suggestions").json()["suggested_counterpart"]

    assert suggested() == {"id": supplier.id, "address_id": address.id}
    path = f"/counterparts/{supplier.id}"
    assert call("DELETE", f"{path}/addresses/{address.id}", bills.api.token(), BAKERY_ID).status_code == 204
    assert suggested() == {"id": supplier.id}
    assert address.id not in call("GET", path, bills.api.token(), BAKERY_ID).text
    unaddressed = {"type": "organization", "organization": {"legal_name": "Mill", "is_vendor": True}}
    mill = directory.counterparts.add(
        "3111a000-0000-4000-8000-000000000001", unaddressed, entity_id=BAKERY_ID
    )
    bills.send("PATCH", bill, {"counterpart_raw_data": {"name": "Mill"}})
    assert suggested() == {"id": mill.id}


def test_a_bill_names_only_what_its_entity_has(bills):
    theirs = bills.api.monite.directory.counterparts.all(BOOKS_ID)[0].id
    for field in ("counterpart_id", "counterpart_address_id", "project_id"):
        assert bills.send("POST", "", {field: theirs}).status_code == 400
        assert bills.send("PATCH", bills.draft(), {field: theirs}).status_code == 404
