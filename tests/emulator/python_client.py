"""The methods of Monite's official Python client, called with made-up arguments.

What a method sends is found by calling it: its annotations say which arguments it wants, and a transport that only records says which
operation of Monite's it is. So a new version of the client needs no list of ours.
"""

import asyncio
import datetime as dt
import inspect
import io
import re
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import monite
import pydantic
from monite.core.api_error import ApiError

from monite_auth.emulator.specification.facts import API_VERSION, Operation
from tests.data.facts import find_operation

SOME_ID = "00000000-0000-4000-8000-000000000000"
DAY = dt.date(2026, 11, 27)
#: What stands for a text, by a pattern of the name of its field.
TEXTS = {
    r"^object_type$": "payable",
    r"iban": "DE89370400440532013000",
    r"(^|_)id(s|_in|_not_in)?$": SOME_ID,
    r"signature_image": "image " * 6,
    r"email": "someone@example.com",
    r"url|link|website": "https://example.com/",
    r"(^|_)(date|at)(_|$)": DAY.isoformat(),
}
#: Words that are taken where a field has several: what they say goes together.
USUAL = {"EUR", "DE", "organization", "payable"}
#: What a model has to have although it says that it may be left out.
ALSO = {
    "CounterpartOrganizationCreatePayload": {"email"},
    "LineItem": {"product_id", "vat_rate_id"},
    "ReceivableFacadeCreateInvoicePayload": {"payment_terms_id", "payment_reminder_id"},
}
#: Amounts that leave room for one that is smaller.
PRICES = {"value", "unit_price", "total_amount"}


@dataclass(frozen=True)
class Maker:
    """Where texts come from, and which types are taken.

    Args:
        text: gives a text by its name, or None for one that is made up here.
        kinds: a pattern of the names of types, for where there are several.

    """

    text: Callable[[str], str | None] = lambda _: None
    kinds: str = "Organization|Invoice"


def methods(client: Any, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every method of a client, and of the clients that it consists of, with its dotted name."""
    for name in sorted({*dir(type(client)), *vars(client)}):
        if name.startswith("_") or name == "with_raw_response":
            continue
        value = getattr(client, name)
        if inspect.ismethod(value):
            yield prefix + name, value
        elif type(value).__module__.startswith("monite.") and type(value).__name__.endswith("Client"):
            yield from methods(value, f"{prefix}{name}.")


def arguments(
    method: Callable[..., Any], maker: Maker | None = None, also: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the arguments that a method demands, and those that are in `also`."""
    hints = typing.get_type_hints(method)
    return {
        name: value(hints[name], name, maker or Maker())
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is inspect.Parameter.empty or name in also
    }


def first_option(method: Callable[..., Any]) -> list[str]:
    """Return the name of the first argument that may be left out, if there is one."""
    parameters = inspect.signature(method).parameters.values()
    options = [each.name for each in parameters if each.default is not inspect.Parameter.empty]
    return [name for name in options if name != "request_options"][:1]


def value(annotation: Any, name: str, maker: Maker) -> Any:
    """Return a valid value for an annotation of the client, with no more fields than it has to have."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        return value(_usual(inner, maker), name, maker)
    if origin is typing.Annotated:
        return value(inner[0], name, maker)
    if origin is typing.Literal:
        return next((each for each in inner if each in USUAL), inner[0])
    if origin in {list, Sequence}:
        return [value(inner[0], name, maker)]
    if origin is dict:
        return {}
    if inspect.isclass(annotation) and issubclass(annotation, pydantic.BaseModel):
        return annotation(
            **{
                field: value(info.annotation, field, maker)
                for field, info in annotation.model_fields.items()
                if info.is_required() or field in ALSO.get(annotation.__name__, ())
            }
        )
    if annotation is str:
        return maker.text(name) or text(name)
    if inspect.isclass(origin or annotation) and issubclass(origin or annotation, typing.IO):
        return ("bill.pdf", io.BytesIO(b"%PDF-1.4"), "application/pdf")
    plain = {
        int: 1000 if name in PRICES else 1,
        float: 1.0,
        bool: True,
        dt.date: DAY,
        dt.datetime: dt.datetime(2026, 11, 27, tzinfo=dt.UTC),
    }
    return plain[annotation]


def _usual(alternatives: Sequence[Any], maker: Maker) -> Any:
    """Return one of several types: not None, and the one that `maker` takes, if there is one."""
    given = [each for each in alternatives if each is not types.NoneType]
    return next((each for each in given if re.search(maker.kinds, getattr(each, "__name__", ""))), given[0])


def text(name: str) -> str:
    """Return a text for a field."""
    return next((each for pattern, each in TEXTS.items() if re.search(pattern, name)), "made up")


async def called(method: Callable[..., Any], **arguments: Any) -> Any:
    """Call a method of the sync or the async client, and read what it yields to the end."""
    result = method(**arguments)
    if inspect.isawaitable(result):
        return await result
    if inspect.isasyncgen(result):
        return [each async for each in result]
    return list(result) if inspect.isgenerator(result) else result


@cache
def operations() -> dict[str, Operation]:
    """Return the operation that each method of the client is, by the method's name."""
    sent: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(501, json={})

    client = monite.Monite(
        base_url="http://monite",
        monite_version=API_VERSION,
        token="token",
        httpx_client=httpx.Client(transport=httpx.MockTransport(record)),
    )
    found = {}
    for name, method in methods(client):
        try:
            asyncio.run(called(method, **arguments(method)))
        except ApiError:
            request = sent.pop()
            operation = find_operation(request.method, request.url.path)
            assert operation is not None, f"{name} sends {request.method} {request.url.path}"
            found[name] = operation
    return found
