"""Where the emulator may deviate from Monite's document. docs/emulator.md shows the list; a test compares them.

Each line about a refusal names its operations and the sentence of the refusal, so that no other refusal passes by it.
"""

from tests.conformance.findings import Deviation

PERMITTED: tuple[Deviation, ...] = (
    Deviation(
        "status_code_conformance",
        "The document names this status for some operations only; every operation needs a token.",
        statuses=(401,),
    ),
    Deviation(
        "status_code_conformance",
        "The document names this status for some operations only; a role, or the kind of token, can forbid each of them.",
        statuses=(403,),
    ),
    Deviation(
        "status_code_conformance",
        "The document does not say what an operation answers for an id that does not exist.",
        statuses=(404,),
        operations=("* *{*",),
    ),
    Deviation(
        "status_code_conformance",
        "Monite's release notes say 201, and the document still says 200.",
        statuses=(201,),
        operations=("POST /roles",),
    ),
    Deviation(
        "positive_data_acceptance",
        "An id belongs to nothing. The document cannot say which ids there are.",
        statuses=(400, 422),
        says=r"(here is no|has no) [^\"]* [0-9a-f]{8}-[0-9a-f-]{27}",
    ),
    Deviation(
        "positive_data_acceptance",
        "A pagination token is one that an answer has given, and the document takes any text.",
        statuses=(422,),
        operations=("GET *", "POST /receivables/search"),
        says="no pagination token",
    ),
    Deviation(
        "positive_data_acceptance",
        "A name or a login is unique in its entity.",
        statuses=(400,),
        operations=(
            "POST /roles",
            "PATCH /roles/{role_id}",
            "POST /tags",
            "PATCH /tags/{tag_id}",
            "POST /entity_users",
            "PATCH /entity_users/{entity_user_id}",
        ),
        says=r"The (name|login) '.*' is taken by another of this entity",
    ),
    Deviation(
        "positive_data_acceptance",
        "The name of a role is ASCII.",
        statuses=(400,),
        operations=("POST /roles", "PATCH /roles/{role_id}"),
        says=r"The name of a role has only ASCII characters",
    ),
    Deviation(
        "positive_data_acceptance",
        "Permissions name the object type that they are about. The document tells their shapes apart by it, and demands it of none.",
        statuses=(422,),
        operations=("POST /roles", "PATCH /roles/{role_id}"),
        says=r"Unable to extract tag using discriminator 'object_type'",
    ),
    Deviation(
        "positive_data_acceptance",
        "A status allows some changes, and the document has no 409 for the operation.",
        statuses=(400,),
        operations=(
            "POST /payables/{payable_id}/line_items",
            "PATCH /payables/{payable_id}/line_items/{line_item_id}",
            "PUT /payables/{payable_id}/line_items",
            "DELETE /payables/{payable_id}/line_items/{line_item_id}",
            "PATCH /payables/{payable_id}",
            "POST /receivables/{receivable_id}/preview",
            "POST /entities/{entity_id}/activate",
            "POST /entities/{entity_id}/deactivate",
            "PATCH /recurrences/{recurrence_id}",
        ),
        says=r"A payable that is \w+ cannot be changed|in status \w+ cannot be previewed|The entity is \w+ already|This recurrence is \w+",
    ),
    Deviation(
        "positive_data_acceptance",
        "A status allows some changes, and the document has neither 409 nor 400 for the operation.",
        statuses=(422,),
        operations=(
            "PATCH /payment_records/{payment_record_id}",
            "POST /payment_records/{payment_record_id}/*",
        ),
        says=r"This payment is (succeeded|canceled)",
    ),
    Deviation(
        "positive_data_acceptance",
        "A policy is deleted with DELETE.",
        statuses=(400,),
        operations=("PATCH /approval_policies/{approval_policy_id}",),
        says=r"Delete an approval policy with DELETE",
    ),
    Deviation(
        "positive_data_acceptance",
        "What is described has to be of the receivable's own type.",
        statuses=(400,),
        operations=("PATCH /receivables/{receivable_id}",),
        says=r"This is a \w+, and not a \w+",
    ),
    Deviation(
        "positive_data_acceptance",
        "A line item has either a product or its id, a price in the receivable's currency, and a rate of VAT in Europe.",
        statuses=(400,),
        operations=(
            "POST /receivables",
            "PUT /receivables/{receivable_id}/line_items",
        ),
        says=r"The product '.*' has no price in|A line item has a product_id or a product|A line item of .* needs a vat_rate_id",
    ),
    Deviation(
        "positive_data_acceptance",
        "A mail goes to somebody: to the counterpart's address, or to recipients.",
        statuses=(400,),
        operations=("POST /receivables/{receivable_id}/send",),
        says=r"The counterpart has no e-mail address",
    ),
    Deviation(
        "positive_data_acceptance",
        "This quote is accepted with a signature.",
        statuses=(400,),
        operations=("POST /receivables/{receivable_id}/accept",),
        says=r"This quote needs a signature",
    ),
    Deviation(
        "positive_data_acceptance",
        "A plan begins in the future, ends after that in exactly one way, and is about a draft.",
        statuses=(400,),
        operations=(
            "POST /recurrences",
            "PATCH /recurrences/{recurrence_id}",
        ),
        says=r"A recurrence (cannot (begin|end)|has either)|Only an invoice that is a draft can recur",
    ),
    Deviation(
        "positive_data_acceptance",
        "An organization has no fields of an individual, and the other way round.",
        statuses=(422,),
        operations=(
            "POST /entities",
            "PATCH /counterparts/{counterpart_id}",
        ),
        says=r"needs the field \w+, and not the other one|This counterpart is an",
    ),
    Deviation(
        "positive_data_acceptance",
        "Which numbers an account has depends on its currency.",
        statuses=(422,),
        operations=("POST /bank_accounts",),
        says=r"An account in [A-Z]{3} needs this field",
    ),
    Deviation(
        "positive_data_acceptance",
        "A user's token is for a user.",
        statuses=(422,),
        operations=("POST /auth/token",),
        says=r"entity_user_id is required for grant_type entity_user",
    ),
    Deviation(
        "positive_data_acceptance",
        "The highest number is 2^63, and the document rounds it.",
        statuses=(422,),
        operations=("PATCH /entities/{entity_id}/settings",),
        says=r"less than or equal to 9223372036854775808",
    ),
    Deviation(
        "positive_data_acceptance",
        "An amount has 28 digits at the most.",
        statuses=(422,),
        operations=("* /payables/{payable_id}/line_items*",),
        says="This amount is too large",
    ),
    Deviation(
        "unjudged_query",
        "Nobody offers a loan in the emulator, so this list has no items to choose from.",
        operations=("GET /financing_invoices",),
    ),
)
