"""Where the emulator deviates from Monite's document: what is permitted, and what is open.

docs/emulator.md shows the first list; a test compares them. The second one holds faults that are to be mended, and
only becomes shorter.
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
        "The document cannot say it: a name is taken, an id belongs to nothing, a state does not allow it.",
        statuses=(400,),
    ),
    Deviation(
        "positive_data_acceptance",
        "A pagination token is one that an answer has given, and the document takes any text.",
        statuses=(422,),
        operations=("GET *",),
    ),
    Deviation(
        "positive_data_acceptance",
        "A role's name is ASCII, and each of its actions has a name.",
        statuses=(422,),
        operations=("POST /roles", "PATCH /roles/*"),
    ),
)

#: Empty: what a run still finds is not known to be right.
OPEN: tuple[Deviation, ...] = ()
