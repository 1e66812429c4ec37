"""The messages that an app sends, on their way out."""

from collections.abc import Awaitable, Callable

from monite_auth.adapter import is_made_while_sent, private_headers
from monite_auth_asgi.types import Message, Receive, Send
from monite_auth_asgi.visit import ConnectionVisit

__all__ = ["Outlet"]

HELD_BYTES = 1 << 20
"""How much of an answer with status 500 is held back: more than a page with a traceback has, and little memory for streams."""


class Outlet:
    """Passes messages on. When the response starts, the visit is compared, and caches are told not to keep it.

    An answer with status 500 is held back until the app has returned or raised, because the app may have sent it for an
    error of ours that has a status of its own. Meanwhile the app is told, as after any response, that the client is gone. An
    app that is waiting for the client already (Quart since 0.23 does, and does not return before) can only hear that from
    the server, after the response. So `settle` is called then: it decides at once what goes out.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        visit: ConnectionVisit,
        settle: Callable[["Outlet"], Awaitable[None]],
    ) -> None:
        self.receive_outside = receive
        self.send_outside = send
        self.visit = visit
        self._settle = settle
        self._waiting_for_client = 0  # how many calls of receive are waiting
        self.held: list[Message] = []
        """What is held back of an answer with status 500: the whole of it, or its beginning."""
        self._size = 0
        self.started = False
        """Whether a response, or the end of a websocket, is on its way, so that there can be no other answer."""

    @property
    def holds_back(self) -> bool:
        """Whether a whole answer with status 500 is still here."""
        return bool(self.held) and not self.held[-1].get("more_body", False) and len(self.held) > 1

    async def receive(self) -> Message:
        """Give the app the client's next message (ASGI)."""
        if self.holds_back:
            return {"type": "http.disconnect"}
        self._waiting_for_client += 1
        try:
            return await self.receive_outside()
        finally:
            self._waiting_for_client -= 1

    async def send(self, message: Message) -> None:
        """Take a message of the app's (ASGI)."""
        if message["type"] == "http.response.body":
            await (self._hold_more if self.held else self.send_outside)(message)
        elif message["type"] == "http.response.start" and message["status"] == 500:
            self.held.append(message)
        else:
            if self.held:
                await self.release()
            await self._pass_on(message)

    async def _hold_more(self, message: Message) -> None:
        self.held.append(message)
        self._size += len(message.get("body", b""))
        if self._size > HELD_BYTES:
            await self.release()
        elif self._waiting_for_client and self.holds_back:
            await self._settle(self)

    def discard(self) -> None:
        """Drop what is held back: another answer goes out in its place."""
        self.held = []
        self.started = True

    async def release(self) -> None:
        """Send what is held back."""
        held, self.held = self.held, []
        for message in held:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        """Send a message; if a response begins with it, do what has to be done before."""
        if message["type"] == "http.response.start":
            visit = self.visit
            if not visit.is_untouched():
                await visit.compare()
                visit.give_back_session()
            self.started = True
            access = visit.access
            if access.was_used or (access and is_made_while_sent(_names(message))):
                _keep_private(message)
        elif message["type"] in ("websocket.close", "websocket.http.response.start"):
            self.started = True
        await self.send_outside(message)


def _keep_private(message: Message) -> None:
    """Keep an answer that depends on a person's token out of shared caches."""
    headers = list(message.get("headers", ()))
    cache_control, vary = (_joined(headers, name) for name in (b"cache-control", b"vary"))
    said = private_headers(cache_control, vary)
    kept = [(name, value) for name, value in headers if name.lower() not in (b"cache-control", b"vary")]
    message["headers"] = kept + [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in said.items()
    ]


def _names(message: Message) -> list[bytes]:
    return [name for name, _ in message.get("headers", ())]


def _joined(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    return ", ".join(value.decode("latin-1") for name, value in headers if name.lower() == wanted)
