"""Reads forms with files: each field becomes a text, and a file becomes its content in base64."""

import base64
from collections.abc import AsyncGenerator, Mapping

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from monite_auth.emulator.specification.validation import InvalidError


def _no_form(why: str) -> InvalidError:
    return InvalidError([(("body",), f"This is no form: {why}", "form")])


async def read_form(headers: Mapping[bytes, bytes], body: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the fields of a form, and the names of the files among them.

    Raises:
        InvalidError: it is no form.

    """

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    _, options = parse_options_header(headers[b"content-type"])
    boundary = options.get(b"boundary")
    if boundary and b"--%s--" % boundary not in body:
        raise _no_form("it is cut off before its end")
    try:
        form = await MultiPartParser(Headers(raw=list(headers.items())), stream()).parse()
    except (MultiPartException, LookupError, ValueError) as error:
        # The charset that it names may be any of Python's codecs, some of which are none.
        raise _no_form(str(error)) from None
    fields: dict[str, str] = {}
    files: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files[name] = (value.filename or "").encode("utf-8", "replace").decode()
            fields[name] = base64.b64encode(await value.read()).decode()
        else:
            fields[name] = value
    await form.close()
    return fields, files
