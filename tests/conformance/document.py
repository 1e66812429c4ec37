"""Monite's OpenAPI document as the run reads it: the operations that the emulator serves, and values that it knows.

A document says that a client id is any UUID. A run that sends any UUID never mints a token, so the few values that
stand for somebody are narrowed down to people of the seed. Everything else is read as Monite wrote it, but for the
mistakes that `_mended` names.
"""

import copy
import json
from pathlib import Path
from typing import Any

from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OSKAR_ID, VIKTOR_ID
from monite_auth.emulator.api import SERVED
from tests.data.specification import METHODS

#: Values that only somebody of the seed has, by the name of a header.
HEADERS = {"x-monite-version": "2024-05-25", "x-monite-entity-id": BAKERY_ID}
#: Stands for a new token in a body; the run mints one before it sends it.
FRESH_TOKEN = "a fresh token"
#: The same by the name of a field, in the two bodies that ask for credentials.
CREDENTIALS: dict[str, dict[str, Any]] = {
    "client_id": {"enum": [DEMO_CLIENT_ID]},
    "client_secret": {"enum": [DEMO_CLIENT_SECRET]},
    "entity_user_id": {"anyOf": [{"enum": [OSKAR_ID, VIKTOR_ID]}, {"type": "null"}]},
    "token": {"enum": [FRESH_TOKEN]},
}
PAYLOADS = ("ObtainTokenPayload", "RevokeTokenPayload")


class Document:
    """Monite's OpenAPI document, and which of its operations the emulator serves."""

    def __init__(self, path: Path, only: str = "") -> None:
        self.whole: dict[str, Any] = json.loads(path.read_text())
        self.served = frozenset(SERVED) & self.operations().keys()
        #: The operations of the run: those that are served, and whose name contains `only`.
        self.chosen = frozenset(each for each in self.served if only in " ".join(each))

    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return every operation of the document, by method and path."""
        return {
            (method, path): item[method.lower()]
            for path, item in self.whole["paths"].items()
            for method in METHODS
            if method.lower() in item
        }

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods that the document has at a path, whether they are served or not."""
        return frozenset(method for method, other in self.operations() if other == path)

    def queries(self, method: str, path: str) -> dict[str, dict[str, Any]]:
        """Return the schema of each query parameter of an operation: of its values that are not null."""
        return {
            each["name"]: self._plain(each["schema"])
            for each in self.operations()[method, path]["parameters"]
            if each["in"] == "query"
        }

    def _plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema without references, and without null as one of two types."""
        if "$ref" in schema:
            return self._plain(self.whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        for each in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
            if each != {"type": "null"}:
                return self._plain(each)
        return schema | ({"items": self._plain(schema["items"])} if "items" in schema else {})

    def of(self, chosen: frozenset[tuple[str, str]]) -> dict[str, Any]:
        """Return a document of some operations, with values that the emulator knows."""
        document = copy.deepcopy(self.whole)
        paths: dict[str, Any] = {}
        for (method, path), operation in self.operations().items():
            if (method, path) in chosen:
                paths.setdefault(path, {})[method.lower()] = _with_known_headers(copy.deepcopy(operation))
        document["paths"] = paths
        schemas = document["components"]["schemas"]
        for name in PAYLOADS:
            fields = schemas[name]["properties"]
            fields |= {field: schema for field, schema in CREDENTIALS.items() if field in fields}
        _mended(schemas)
        return document


def _with_known_headers(operation: dict[str, Any]) -> dict[str, Any]:
    for parameter in operation["parameters"]:
        if parameter["name"] in HEADERS:
            parameter["schema"] = {"enum": [HEADERS[parameter["name"]]]}
            parameter.pop("example", None)
    return operation


def _mended(schemas: dict[str, Any]) -> None:
    """Take back what no body can satisfy.

    `additionalProperties: false` beside `anyOf` forbids every field: none of them stands in the same schema.
    """
    for schema in schemas.values():
        if schema.get("additionalProperties") is False and "properties" not in schema:
            if schema.keys() & {"anyOf", "oneOf"}:
                del schema["additionalProperties"]
