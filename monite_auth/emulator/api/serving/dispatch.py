"""Finds the operation of a request, checks the request against the facts, and gives the answer its shape."""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl

from monite_auth.emulator.answers.answer import Answer
from monite_auth.emulator.answers.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.forms import read_form
from monite_auth.emulator.specification.facts import Operation, operations
from monite_auth.emulator.specification.fitting import fitted
from monite_auth.emulator.specification.validation import Complaint, InvalidError, Validator, resolved
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.world.directory import Entity

#: Who may call: nobody in particular (no token), the partner only, an entity user only, or both of them.
Caller = Literal["nobody", "partner", "user", "either"]
Handler = Callable[[Call], Any]

_ENTITY = "x-monite-entity-id"
_JSON = ((b"content-type", b"application/json"),)
_UUID = {"type": "string", "format": "uuid"}


@dataclass(frozen=True)
class Served:
    """What carries out an operation.

    Args:
        handler: returns what is answered, before it has its shape.
        caller: who may call. None stands for both kinds of token where an entity is named, and for the partner elsewhere.
        status: the status of the answer, where it is not the one of the specification.

    """

    handler: Handler
    caller: Caller | None = None
    status: int | None = None


#: What the emulator serves, by method and path.
SERVED: dict[tuple[str, str], Served] = {}


def serves(
    operation: str, *, caller: Caller | None = None, status: int | None = None
) -> Callable[[Handler], Handler]:
    """Register what carries out an operation, as in `@serves("GET /entity_users/me", caller="user")`."""

    def register(handler: Handler) -> Handler:
        method, _, path = operation.partition(" ")
        SERVED[method, path] = Served(handler, caller, status)
        return handler

    return register


class Endpoint:
    """An operation, with what checks its requests."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.served = SERVED.get((operation.method, operation.path))

    @cached_property
    def caller(self) -> Caller:
        assert self.served is not None
        return self.served.caller or ("either" if _ENTITY in self.operation.required_headers else "partner")

    @cached_property
    def query(self) -> Validator:
        return Validator(_closed(self.operation.query), "query")

    @cached_property
    def body(self) -> Validator:
        assert self.operation.body is not None
        return Validator(self.operation.body.schema, "body")

    @cached_property
    def path(self) -> Validator:
        names = re.findall(r"\{(\w+)\}", self.operation.path)
        return Validator(_closed(dict.fromkeys(names, _UUID)), "path")

    @cached_property
    def headers(self) -> Validator:
        return Validator(_closed({_ENTITY: _UUID}, required=[_ENTITY]), "header")


def _closed(fields: Mapping[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required or [], "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What the gate has let through. `path` is the one below /v1; names of headers are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    origin: str
    token: Token | None

    def header(self, name: str) -> str | None:
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")


class Api:
    """Answers requests with the state of one emulator."""

    def __init__(self, monite: Monite) -> None:
        self._monite = monite
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        for operation in operations():
            self._methods(operation.path)[operation.method] = Endpoint(operation)

    async def answer(self, request: ApiRequest) -> tuple[Answer, Call | None]:
        """Return the answer, and the call if the request was well-formed."""
        call = None
        try:
            endpoint, ids = self._find(request.method, request.path)
            call = await self._understood(endpoint, ids, request)
            with self._monite.lock:
                self._admit(call, endpoint.caller)
                assert endpoint.served is not None
                status, schema = endpoint.operation.success
                with call.of_partner.directory.all_or_nothing() if call.of_partner else nullcontext():
                    result = endpoint.served.handler(call)
                    body = b"" if schema is None else _json(fitted(schema, result))
            return Answer(endpoint.served.status or status, () if schema is None else _JSON, body), call
        except InvalidError as error:
            return Answer.of_complaints(error.complaints), call
        except RefusedError as error:
            return Answer.of(error), call

    def not_served(self, method: str, path: str) -> Answer | None:
        """Return the answer to an operation that Monite has and the emulator does not serve, whoever asks."""
        try:
            self._find(method, path)
        except RefusedError as error:
            return Answer.of(error) if error.status == 501 else None
        return None

    def _methods(self, path: str) -> dict[str, Endpoint]:
        if "{" not in path:
            return self._plain.setdefault(path, {})
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        for known, methods in self._patterns:
            if known.pattern == pattern.pattern:
                return methods
        self._patterns.append((pattern, {}))
        return self._patterns[-1][1]

    def _find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """Return the endpoint of a request and the ids in its path.

        Raises:
            RefusedError: Monite has no such path (404) or method (405), or the emulator does not serve it (501).

        """
        methods, ids = self._plain.get(path), {}
        for pattern, found in self._patterns if methods is None else ():
            if match := pattern.fullmatch(path):
                methods, ids = found, match.groupdict()
                break
        if methods is None:
            raise RefusedError(404, "Not Found")
        endpoint = methods.get(method)
        if endpoint is None:
            raise RefusedError(405, "Method Not Allowed", {"allow": ", ".join(methods)})
        if endpoint.served is None:
            raise RefusedError(501, f"{endpoint.operation.name} is not served by this emulator.")
        return endpoint, ids

    async def _understood(self, endpoint: Endpoint, ids: Mapping[str, str], request: ApiRequest) -> Call:
        """Return the call that a request makes.

        Raises:
            InvalidError: what it says is not what Monite takes.

        """
        complaints: list[Complaint] = []

        def checked(read: Callable[[], Any]) -> Any:
            try:
                return read()
            except InvalidError as error:
                complaints.extend(error.complaints)

        operation = endpoint.operation
        ids = checked(lambda: endpoint.path.read(json.dumps(ids).encode()))
        named = None
        if _ENTITY in operation.required_headers:
            given = request.header(_ENTITY)
            text = json.dumps({} if given is None else {_ENTITY: given})
            named = checked(lambda: endpoint.headers.read(text.encode()))
        texts = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
        query = checked(lambda: endpoint.query.read_texts(operation.query, texts))
        content, files = b"", dict[str, str]()
        try:
            content, files = await _content(operation, request)
        except InvalidError as error:
            complaints.extend(error.complaints)
        body = checked(lambda: endpoint.body.read(content)) if content else None
        if complaints:
            raise InvalidError(complaints)
        entity_id = (named or ids).get(_ENTITY if named else "entity_id")
        return Call(
            self._monite, operation, ids, query, body, files, request.origin, request.token, entity_id
        )

    def _admit(self, call: Call, caller: Caller) -> None:
        """Find out who calls and about which entity.

        Raises:
            RefusedError: the caller may not call this at all (403), or there is no such entity (404).

        """
        if caller == "nobody":
            return
        token = call.token
        assert token is not None, "the gate lets no other call without a token through"
        call.of_partner = self._monite.partner_of(token.client_id)
        if token.entity_user_id is not None:
            if caller == "partner":
                raise RefusedError(403, "Only a partner token may do this; this is an entity-user token.")
            call.user = call.directory.users.get(token.entity_user_id)
            if call.user is None:
                raise RefusedError(self._monite.dead_token_status, DEAD_TOKEN)
            call.of_entity = call.directory.entities.get(call.user.entity_id)
        elif caller == "user":
            raise RefusedError(403, "Only an entity-user token may do this; this is a partner token.")
        if call.entity_id is not None:
            call.of_entity = self._entity(call, call.entity_id)
        entity = call.of_entity
        is_its_own = call.user is not None or _ENTITY in call.operation.required_headers
        if entity and is_its_own and not entity.is_active:
            # Monite says that it performs no operations then, and not how they are refused.
            raise RefusedError(403, f"The entity {entity.id} is deactivated.")

    def _entity(self, call: Call, entity_id: str) -> Entity:
        if call.user is not None and call.user.entity_id != entity_id:
            raise RefusedError(403, "This token belongs to a user of another entity than the call names.")
        entity = call.directory.entities.get(entity_id)
        if entity is None:
            raise RefusedError(404, f"There is no entity {entity_id}.")
        return entity


async def _content(operation: Operation, request: ApiRequest) -> tuple[bytes, dict[str, str]]:
    """Return what the body says, as JSON, and the names of its files; nothing if there need not be a body."""
    if operation.body is None or not (request.body or operation.body.required):
        return b"", {}
    if not request.body:
        raise InvalidError([(("body",), "Field required", "missing")])
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    wanted = "multipart/form-data" if operation.body.is_form else "application/json"
    if kind != wanted:
        raise InvalidError(
            [(("body",), f"Send the body as {wanted}, with this Content-Type", "content_type")]
        )
    if not operation.body.is_form:
        return request.body, {}
    fields, files = await read_form(request.headers, request.body)
    for name, kind in resolved(operation.body.schema)["properties"].items():
        if kind.get("format") == "binary" and name in fields and name not in files:
            raise InvalidError([(("body", name), "Send a file, with a name", "file")])
    return json.dumps(fields).encode(), files


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
