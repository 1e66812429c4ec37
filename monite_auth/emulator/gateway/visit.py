"""One request on its way through the gate: its content, whether its client is still there, and how to cut it off.

`cut` ends the real connection. `server.py` puts the asyncio transport of each connection into the request's ASGI state.
`cut` aborts that transport, or closes it after half an answer. Then it waits until the server has noticed, because the
server would log an error otherwise. Other servers, and httpx's in-process transport, provide no transport; there, `cut`
raises ConnectionAbortedError.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from monite_auth.emulator.answers.answer import Answer
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.specification.facts import PREFIX
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.traffic.limits import Admission

#: The key of the transport in `scope["state"]`.
TRANSPORT = "emulator_transport"


def is_api(scope: Scope) -> bool:
    """Return whether a request is one to Monite's API, and not to the emulator's own endpoints."""
    return scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")


class Transport(Protocol):
    """The part of an asyncio transport that a cut needs."""

    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


@dataclass(slots=True, eq=False)
class Visit:
    """One request on its way through the gate."""

    scope: Scope
    receive: Receive
    send: Send
    began: float
    request_id: str
    admission: Admission = field(init=False)
    path: str = field(init=False)
    headers: dict[bytes, bytes] = field(init=False)
    transport: Transport | None = field(init=False)
    body: bytes = b""
    token: Token | None = None
    #: Whom the call is for: the holder of its token, or the one that a mint asks for.
    entity_user_id: str | None = None
    #: The kind of the fault that hit the request, and the answer as it was begun to be sent.
    fault: str | None = None
    answer: Answer | None = None
    call: Call | None = None

    def __post_init__(self) -> None:
        self.path = self.scope["path"].removeprefix(PREFIX)
        self.headers = dict(self.scope["headers"])
        self.transport = self.state.get(TRANSPORT)

    @property
    def state(self) -> dict[str, Any]:
        """The facts that the gate and the endpoints share about this request."""
        state: dict[str, Any] = self.scope.setdefault("state", {})
        return state

    @property
    def origin(self) -> str:
        """Where the client has found the emulator."""
        return f"{self.scope['scheme']}://{self.headers.get(b'host', b'').decode('latin-1')}"

    @property
    def bearer(self) -> str | None:
        scheme, _, value = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return value.strip() if scheme.lower() == "bearer" and value.strip() else None

    async def read(self) -> bool:
        """Read the body. Return False if the client leaves before its end."""
        chunks = []
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return False
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                self.body = b"".join(chunks)
                return True

    async def gone(self) -> None:
        """Wait until the client hangs up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def cut(self, *, flush: bool = False) -> None:
        """End the connection at once, or with `flush` after the written data has been sent.

        Raises:
            ConnectionAbortedError: the server provides no transport to cut.

        """
        if self.transport is None:
            raise ConnectionAbortedError("the emulator has cut this connection, as a fault demanded")
        if flush:
            self.transport.close()
        else:
            self.transport.abort()
        await self.gone()
