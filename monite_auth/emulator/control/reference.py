"""The reference pages: what the emulator serves, for readers. One is Monite's side, the other is the control side.

Each is made of an OpenAPI document, here and not by a script in the browser, so it works offline and loads nothing.
"""

from collections.abc import Sequence
from html import escape
from importlib import metadata
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from monite_auth.emulator.control import endpoints, state

router = APIRouter(include_in_schema=False)

METHODS = ("get", "post", "put", "patch", "delete")
# The page has its own style inside, and nothing else.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}
STYLE = """
:root { color-scheme: light dark; --soft: #6a7380; --line: #8884; --verb: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --soft: #9ba7b4; --verb: #4fc4b8; } }
body { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
details { border-top: 1px solid var(--line); padding: 0.4rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary b { color: var(--verb); } summary span { color: var(--soft); }
code, summary { font-family: ui-monospace, monospace; font-size: 0.9em; }
p { white-space: pre-line; margin: 0.5rem 0; }
table { border-collapse: collapse; margin: 0.5rem 0; } caption { text-align: left; font-weight: 600; }
td { padding: 0.15rem 1rem 0.15rem 0; vertical-align: top; overflow-wrap: anywhere; } td + td { color: var(--soft); }
"""
ABOUT_CONTROL = """Everything that tests and the page do to the emulator: it is no part of Monite. Bodies are JSON.
It answers programs, and its own page: a request of a browser for another site's page gets a 403, unless it carries the header X-Monite-Emulator."""


def control_document() -> dict[str, Any]:
    """Return the OpenAPI document of the control side."""
    return get_openapi(
        title="The emulator's control side",
        version=metadata.version("monite-auth"),
        description=ABOUT_CONTROL,
        routes=[*endpoints.router.routes, *state.router.routes],
    )


@router.get("/_emulator/openapi.json")
async def read_control_openapi() -> dict[str, Any]:
    return control_document()


@router.get("/_emulator/docs")
async def control_page() -> HTMLResponse:
    return _page(control_document(), "/_emulator/openapi.json")


@router.get("/docs")
async def api_page(request: Request) -> HTMLResponse:
    return _page(await endpoints.read_openapi(request), "/openapi.json")


def _page(document: dict[str, Any], source: str) -> HTMLResponse:
    info = document["info"]
    base = document.get("servers", [{"url": ""}])[0]["url"]
    operations = [
        _operation(method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    schemas = [
        _schema(name, schema) for name, schema in document.get("components", {}).get("schemas", {}).items()
    ]
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>{escape(info["title"])}</title><style>{STYLE}</style>
<h1>{escape(info["title"])}</h1>
<p>{escape(info.get("description", ""))}</p>
<p>Version {escape(info["version"])}. {f"All paths are below <code>{escape(base)}</code>. " if base else ""}For tools: <a href="{source}">{source}</a></p>
<h2>{len(operations)} operations</h2>
{"".join(operations)}
<h2>{len(schemas)} shapes</h2>
{"".join(schemas)}
</html>""",
        headers=SECURITY,
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = [
        (each["name"], _kind(each["schema"]), each["in"], _needed(each.get("required", False)))
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {})
    bodies = [
        (written, _kind(content["schema"]), "body", _needed(body.get("required", False)))
        for written, content in body.get("content", {}).items()
    ]
    answers = [
        (status, *[_kind(content.get("schema", {})) for content in answer.get("content", {}).values()])
        for status, answer in operation["responses"].items()
    ]
    said, _, more = operation.get("description", operation["operationId"]).partition("\n")
    return (
        f"<details><summary><b>{method.upper()}</b> {escape(path)} <span>{escape(said)}</span></summary>"
        f"<p>{escape(more.strip())}</p>"
        f"{_table('Takes', parameters + bodies)}{_table('Answers', answers)}</details>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    fields = [
        (field, _kind(each), _needed(field in required), escape(each.get("description", "")))
        for field, each in schema.get("properties", {}).items()
    ]
    described = escape(schema.get("description", ""))
    shown = _table("Fields", fields) if fields else f"<p>{_kind(schema)}</p>"
    return (
        f'<details id="{escape(name)}"><summary>{escape(name)}</summary><p>{described}</p>{shown}</details>'
    )


def _kind(schema: dict[str, Any]) -> str:
    """Return what a schema allows, in a few words of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return (
                " or ".join(map(_kind, schema[word]))
                if word != "allOf"
                else " and ".join(map(_kind, schema[word]))
            )
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is not None:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    return escape(" or ".join(kind) if isinstance(kind, list) else schema.get("format") or kind)


def _needed(is_needed: bool) -> str:
    return "required" if is_needed else ""


def _table(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a table, whose first column is text and whose others are HTML; nothing without rows."""
    if not rows:
        return ""
    lines = "".join(
        f"<tr><td><code>{escape(first)}</code></td>{''.join(f'<td>{each}</td>' for each in rest)}</tr>"
        for first, *rest in rows
    )
    return f"<table><caption>{caption}</caption>{lines}</table>"
