"""What calls ask for: by hand for every kind of object, and for all of Monite's operations."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monite_auth.emulator.specification.facts import operations
from monite_auth.rbac import Action, ObjectType, RequiredPermission, Role, actions_of, permission_for

A = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
B = "9d2b4c8f-2087-4738-ba91-7359683c49a4"

# Words of roles that no path asks for.
WITHOUT_PATHS = {"reconciliation", "todo_task", "todo_task_mute", "transaction", "workflow"}

EXAMPLES = f"""
    GET     /approval_policies                                  approval_policy.read
    PATCH   /approval_policies/{A}                              approval_policy.update
    GET     /approval_policies/{A}/processes/{B}/steps          approval_policy.read
    POST    /approval_policies/{A}/processes/{B}/cancel         approval_policy.update
    POST    /approval_requests                                  approval_request.create
    POST    /approval_requests/{A}/approve                      approval_request.update
    POST    /approval_requests/{A}/reject                       approval_request.update
    POST    /comments                                           comment.create
    DELETE  /comments/{A}                                       comment.delete
    GET     /counterparts/{A}                                   counterpart.read
    POST    /counterparts                                       counterpart.create
    GET     /counterparts/{A}/bank_accounts                     counterpart.read
    POST    /counterparts/{A}/bank_accounts                     counterpart.update
    DELETE  /counterparts/{A}/bank_accounts/{B}                 counterpart.update
    POST    /counterparts/{A}/bank_accounts/{B}/make_default    counterpart.update
    PATCH   /counterparts/{A}/contacts/{B}                      counterpart.update
    GET     /counterparts/{A}/vat_ids                           counterpart_vat_id.read
    POST    /counterparts/{A}/vat_ids                           counterpart_vat_id.create
    DELETE  /counterparts/{A}/vat_ids/{B}                       counterpart_vat_id.delete
    POST    /delivery_notes/{A}/mark_as_delivered               delivery_note.update
    DELETE  /delivery_notes/{A}                                 delivery_note.delete
    GET     /bank_accounts                                      entity_bank_account.read
    POST    /bank_accounts                                      entity_bank_account.create
    POST    /bank_accounts/{A}/make_default                     entity_bank_account.update
    POST    /bank_accounts/complete_verification                entity_bank_account.create
    POST    /entity_users                                       entity_user.create
    DELETE  /entity_users/{A}                                   entity_user.delete
    POST    /data_exports                                       export.create
    GET     /data_exports/supported_formats                     export.read
    PATCH   /data_exports/extra_data/{A}                        export.update
    DELETE  /mailboxes/{A}                                      mailbox.delete
    POST    /ocr_tasks/upload_from_file                         ocr_task.create
    GET     /ocr_tasks/{A}                                      ocr_task.read
    GET     /onboarding_requirements                            onboarding.read
    POST    /onboarding_links                                   onboarding.create
    POST    /onboarding_documents                               onboarding.update
    POST    /persons/{A}/onboarding_documents                   onboarding.update
    PATCH   /overdue_reminders/{A}                              overdue_reminder.update
    POST    /payables                                           payable.create
    POST    /payables/upload_from_file                          payable.create
    GET     /payables/{A}                                       payable.read
    GET     /payables/{A}/history                               payable.read
    GET     /payables/analytics                                 payable.read
    GET     /analytics/payables                                 payable.read
    PATCH   /payables/{A}                                       payable.update
    DELETE  /payables/{A}                                       payable.delete
    POST    /payables/{A}/attach_file                           payable.update
    POST    /payables/{A}/cancel_ocr                            payable.update
    POST    /payables/{A}/validate                              payable.read
    GET     /payables/{A}/line_items                            payable.read
    PUT     /payables/{A}/line_items                            payable.update
    DELETE  /payables/{A}/line_items/{B}                        payable.update
    POST    /payables/{A}/submit_for_approval                   payable.submit
    POST    /payables/{A}/approve_payment_operation             payable.approve
    POST    /payables/{A}/reject                                payable.approve
    POST    /payables/{A}/cancel                                payable.cancel
    POST    /payables/{A}/mark_as_paid                          payable.pay
    POST    /payables/{A}/mark_as_partially_paid                payable.pay
    POST    /payables/{A}/reopen                                payable.reopen
    POST    /payable_credit_notes                               payable.create
    POST    /payable_credit_notes/{A}/approve                   payable.approve
    POST    /payable_credit_notes/{A}/submit_for_approval       payable.submit
    PATCH   /payable_credit_notes/{A}/line_items/{B}            payable.update
    POST    /payable_purchase_orders                            payables_purchase_order.create
    POST    /payable_purchase_orders/{A}/preview                payables_purchase_order.read
    POST    /payable_purchase_orders/{A}/send                   payables_purchase_order.update
    POST    /payment_records                                    payment_record.create
    POST    /payment_records/{A}/mark_as_succeeded              payment_record.update
    DELETE  /payment_reminders/{A}                              payment_reminder.delete
    PATCH   /persons/{A}                                        person.update
    GET     /products                                           product.read
    DELETE  /projects/{A}                                       project.delete
    POST    /receipts/{A}/attach_file                           receipt.update
    POST    /receipts/upload_from_file                          receipt.create
    POST    /receipts/{A}/line_items                            receipt.update
    GET     /receivables/{A}/pdf_link                           receivable.read
    POST    /receivables/search                                 receivable.read
    POST    /receivables/{A}/preview                            receivable.read
    POST    /receivables/{A}/clone                              receivable.create
    POST    /receivables/{A}/issue                              receivable.update
    POST    /receivables/{A}/send                               receivable.update
    POST    /receivables/{A}/mark_as_paid                       receivable.update
    PUT     /receivables/{A}/line_items                         receivable.update
    GET     /roles                                              role.read
    PATCH   /roles/{A}                                          role.update
    PUT     /entities/{A}/logo                                  entity.update
    GET     /entities/{A}                                       entity.read
    PATCH   /entities/{A}                                       entity.update
    GET     /entities/{A}/settings                              entity.read
    POST    /entities/{A}/vat_ids                               entity_vat_ids.create
    PATCH   /entities/{A}/vat_ids/{B}                           entity_vat_ids.update
    PATCH   /entities/{A}/onboarding_data                       onboarding.update
    POST    /tags                                               tag.create
"""
CALLS = [line.split() for line in EXAMPLES.strip().splitlines()]


@pytest.mark.parametrize(
    ("method", "path", "words"), CALLS, ids=lambda word: word.replace(A, "A").replace(B, "B")
)
def test_a_call_asks_for_an_action_on_an_object_type(method, path, words):
    object_type, action = words.split(".")
    entity = A if path.startswith("/entities/") else None
    assert permission_for(method, path) == RequiredPermission(
        ObjectType(object_type), Action(action), entity_id=entity
    )


def test_the_examples_name_every_object_type_and_every_action_of_payables():
    words = {words for _, _, words in CALLS}
    assert {word.split(".")[0] for word in words} == set(ObjectType) - WITHOUT_PATHS
    mail = "payable.create_from_mail"  # mail makes payables by itself
    assert {f"payable.{action}" for action in Action} - {mail} <= words


def test_a_role_answers_for_the_permission_of_a_call():
    role = Role("Clerk", {"payable": "read submit"})
    asked = permission_for("POST", f"/payables/{A}/submit_for_approval")
    assert role.allows(asked.object_type, asked.action)
    asked = permission_for("DELETE", f"/payables/{A}")
    assert not role.allows(asked.object_type, asked.action)


def test_an_entity_in_the_path_is_reported_as_ids_are_written_here():
    assert permission_for("GET", f"/entities/{A.upper()}").entity_id == A
    assert permission_for("GET", f"/counterparts/{A}/vat_ids").entity_id is None


@pytest.mark.parametrize(
    "path",
    [
        "payables",
        "/payables",
        "/payables/",
        "/v1/payables",
        "v1/payables/",
        "/payables?limit=1",
        "/payables/?sort=/../x#y&z=%2F",
        "/payables?",
    ],
)
@pytest.mark.parametrize("method", ["GET", "get", "Get"])
def test_one_call_can_be_written_in_several_ways(method, path):
    assert permission_for(method, path) == RequiredPermission(ObjectType.PAYABLE, Action.READ)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v1",
        "?x=/payables",
        "//payables",
        "/payables//",
        f"/payables//{A}",
        "/./payables",
        "/tags/../payables",
        "/payables/.",
        f"/payables/{A}/..",
        "/v1/v1/payables",
        "/v2/payables",
        "/V1/payables",
        "/Payables",
        "/p%61yables",
        f"/payables/{A}%2Fcancel",
        "/payables%3F",
        "/tags%2e%2e/payables",
        "/payables;x=1",
        "/payables#",
        "/payables ",
        " /payables",
        "/payables\n",
        "/payables\t",
        "/payables\x00",
        "\\payables",
        "/tags/..\\payables",
        "/pay\u0430bles",
        "/payables\u2215",
        "https://api.monite.com/v1/payables",
        "//api.monite.com/v1/payables",
        "/payables/*",
        "/payables/1",
        f"/payables/{A.replace('-', '')}",
        f"/payables/{{{A}}}",
        f"/payables/{A}{A}",
        f"/payables/{A}\n",
        f"/payables/{A}/unknown",
        f"/payables/{A}/history/{B}/more",
        f"/{A}",
        "/unknown",
    ],
)
def test_tricks_and_unknown_paths_are_refused(path):
    assert permission_for("GET", path) is None


@pytest.mark.parametrize(
    "method", ["", "OPTIONS", "TRACE", "CONNECT", "PUT", " GET", "GET ", "*", "po\u017ft"]
)
def test_other_methods_are_refused(method):
    assert permission_for(method, "/payables") is None


def test_the_head_of_an_answer_needs_what_the_answer_does():
    assert permission_for("HEAD", f"/payables/{A}") == RequiredPermission(ObjectType.PAYABLE, Action.READ)
    assert permission_for("head", "/payables/upload_from_file") is None


@given(st.text(), st.text())
@example("GET", "/" * 10_000)
@example("GET", "/a" * 10_000 + "%")
def test_no_text_raises(method, path):
    for answer in (
        permission_for(method, path),
        permission_for("GET", path),
        permission_for(method, f"/payables/{path}"),
    ):
        assert answer is None or answer.action in actions_of(answer.object_type)


SEGMENTS = [
    "payables",
    "entities",
    "counterparts",
    "v1",
    A,
    "cancel",
    "vat_ids",
    "..",
    "",
    "%2e",
    "?",
    "line_items",
]


@given(st.sampled_from(["GET", "POST", "delete"]), st.lists(st.sampled_from(SEGMENTS)))
def test_an_answer_is_always_a_word_that_roles_know(method, segments):
    asked = permission_for(method, "/".join(segments))
    assert asked is None or asked.action in actions_of(asked.object_type)


# -- all of Monite's operations

# Prefixes of `METHOD path` that belong to no object type, or are not for an entity user; paths.py says why.
LIST = """
    GET /entities$                     POST /entities$
    * /entities/me                     POST /entities/{}/activate             POST /entities/{}/deactivate
    * /entities/{}/partner_metadata    * /entities/{}/payment_methods         PATCH /entities/{}/settings
    * /entity_users/me                 * /entity_users/my_entity              GET /entity_users/my_role
    * /counterparts/{}/partner_metadata
    * /payables/validations            * /payable_credit_notes/validations    POST /payables/storecove
    POST /mailboxes/search             * /mailbox_domains                     * /mail_templates
    * /accounting/                     * /accounting_connections              * /accounting_synced_records
    * /accounting_tax_rates            * /ai/                                 * /auth/
    * /batch_payments                  * /custom_vat_rates                    * /document_templates
    * /einvoice_search                 * /einvoicing_connections              * /events
    * /files                           * /financing_                          * /frontend/
    * /internal/                       * /ledger_accounts                     * /measure_units
    * /payment_intents                 * /payment_links                       * /payment_onboarding_links
    * /payment_terms                   * /portal/                             * /recurrences
    * /settings                        * /text_templates                      * /vat_rates
    * /webhook_
"""
UNMAPPED = [re.sub(r"\s+", " ", entry) for entry in re.findall(r"(?:\*|[A-Z]+) /\S+", LIST)]

# POST that changes nothing, as Monite's document says: a search, previews of mail, and lists of what is missing.
POSTS_THAT_READ = {
    "/payable_purchase_orders/{}/preview",
    "/payables/{}/validate",
    "/receivables/search",
    "/receivables/{}/preview",
    "/receivables/{}/verify",
}
# Without x-monite-entity-id: the names of placeholders in mail, the same for everybody.
FOR_EVERYBODY = {"/payable_purchase_orders/variables", "/receivables/variables"}


def read_operations():
    """Yield every operation as method, path with `{}` for ids, its facts, and what it asks for."""
    for each in operations():
        path = re.sub(r"\{.*?\}", "{}", each.path)
        yield each.method, path, each, permission_for(each.method, path.replace("{}", A))


def listed(method, path):
    """The entries of UNMAPPED that speak of this operation."""
    call = f"{method} {path}$"
    return {entry for entry in UNMAPPED if call.startswith(entry.replace("*", method))}


def test_every_operation_of_monite_is_mapped_or_listed_as_unmapped():
    used = set()
    count = 0
    for method, path, _, asked in read_operations():
        entries = listed(method, path)
        assert (asked is None) == bool(entries), f"{method} {path} asks for {asked}"
        used |= entries
        count += 1
    assert count == 470
    assert used == set(UNMAPPED)


def test_every_object_type_with_paths_has_a_call():
    asked = {asked.object_type for *_, asked in read_operations() if asked}
    assert asked == set(ObjectType) - WITHOUT_PATHS


def test_get_reads_and_nothing_else_does():
    for method, path, _, asked in read_operations():
        if asked:
            reads = method == "GET" or (method == "POST" and path in POSTS_THAT_READ)
            assert (asked.action is Action.READ) is reads, f"{method} {path}"


def test_delete_never_asks_for_less_than_update():
    actions = {asked.action for method, *_, asked in read_operations() if asked and method == "DELETE"}
    assert actions == {Action.DELETE, Action.UPDATE}


def test_every_known_call_is_confined_to_one_entity():
    for method, path, operation, asked in read_operations():
        if asked and path not in FOR_EVERYBODY:
            by_header = "x-monite-entity-id" in operation.headers
            assert by_header or asked.entity_id == A, f"{method} {path}"


def test_no_mapped_call_names_entities_in_its_body_or_query():
    for method, path, operation, asked in read_operations():
        assert not (asked and operation.entity_names), f"{method} {path}"
