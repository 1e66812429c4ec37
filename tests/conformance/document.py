"""Monite's OpenAPI document as the run reads it: the operations that the emulator serves, and values that it knows.

A document says that an id is any UUID. A run that sends any UUID never mints a token, and never comes to a record, so
ids in paths and credentials are narrowed down to what there is. Everything else is read as Monite wrote it, but for the
mistakes that `specification.read` names.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OSKAR_ID, VIKTOR_ID
from monite_auth.emulator.api import SERVED
from tests.data import specification
from tests.data.specification import METHODS

#: Values that only somebody of the seed has, by the name of a header.
HEADERS = {"x-monite-version": "2024-05-25", "x-monite-entity-id": BAKERY_ID}
#: The same by the name of a field, in the two bodies that ask for credentials.
CREDENTIALS: dict[str, dict[str, Any]] = {
    "client_id": {"enum": [DEMO_CLIENT_ID]},
    "client_secret": {"enum": [DEMO_CLIENT_SECRET]},
    "entity_user_id": {"anyOf": [{"enum": [OSKAR_ID, VIKTOR_ID]}, {"type": "null"}]},
}
#: The ids of records that are there: by a path, and the names of its parameters.
Known = Mapping[str, Mapping[str, list[str]]]
#: Ends the name of a schema of what is sent.
SENT = "-sent"
PAYLOADS = ("ObtainTokenPayload", "RevokeTokenPayload")


class Document:
    """Monite's OpenAPI document, and which of its operations the emulator serves."""

    def __init__(self, path: Path, only: str = "") -> None:
        self.whole: dict[str, Any] = specification.read(path)
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

    def narrowed(self, known: Known, fields: Mapping[str, list[Any]]) -> dict[str, Any]:
        """Return the document of the run's paths, with values that the emulator knows.

        A path has all of its methods, so that none of them seems to be undocumented.

        Args:
            known: ids for the parameters of paths.
            fields: values for fields of bodies that are sent.

        """
        document = copy.deepcopy(self.whole)
        paths = {path for _, path in self.chosen}
        document["paths"] = {path: item for path, item in document["paths"].items() if path in paths}
        schemas = document["components"]["schemas"]
        # What is sent is narrowed down, and what is answered is not, although both have the same schemas.
        schemas |= {name + SENT: _sent(copy.deepcopy(schema)) for name, schema in schemas.items()}
        for name in schemas:
            if name.endswith(SENT):
                _narrow(name.removesuffix(SENT), schemas[name].get("properties", {}), fields)
        for path, item in document["paths"].items():
            for method in METHODS:
                operation = item.get(method.lower(), {})
                if "requestBody" in operation:
                    operation["requestBody"] = _sent(operation["requestBody"])
                for parameter in operation.get("parameters", ()):
                    values = [HEADERS[parameter["name"]]] if parameter["name"] in HEADERS else []
                    if parameter["in"] == "path":
                        values = known.get(path, {}).get(parameter["name"], [])
                    if values:
                        parameter["schema"] = {"enum": values}
                        parameter.pop("example", None)
        return document


def _sent(schema: Any) -> Any:
    """Return a schema that refers to the schemas of what is sent."""
    if isinstance(schema, dict):
        return {key: _sent(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_sent(each) for each in schema]
    return schema + SENT if isinstance(schema, str) and schema.startswith("#/components/schemas/") else schema


def _narrow(name: str, properties: dict[str, Any], fields: Mapping[str, list[Any]]) -> None:
    """Let the fields of an object have only values that the emulator knows."""
    for field, schema in properties.items():
        if name in PAYLOADS and field in CREDENTIALS:
            properties[field] = CREDENTIALS[field]
        elif values := fields.get(f"{name}.{field}", fields.get(field)):
            if schema.get("type") == "array":
                properties[field] = {**schema, "items": {"enum": values}}
            else:
                is_nullable = {"type": "null"} in schema.get("anyOf", ())
                properties[field] = {"enum": [*values, None] if is_nullable else values}
