"""What an app sends, on its way out."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from monite_auth.adapter.answers import is_made_while_sent, private_headers
from monite_auth_starlette.visit import Visit

__all__ = ["Outlet"]

HELD_BYTES = 1 << 20
"""What is held back of an answer with status 500: a page with a traceback is smaller, and memory is not spent on streams."""


class Outlet:
    """Passes messages on: when the response starts, the visit is compared, and caches are told not to keep it.

    An answer with status 500 is held back until the app has returned or raised. A mounted app may have sent it about an
    error of ours that it then raises, and that has a status of its own.
    """

    def __init__(self, send: Send, visit: Visit) -> None:
        self._send = send
        self._visit = visit
        self._held: list[Message] = []
        self._size = 0
        self.started = False

    async def send(self, message: Message) -> None:
        """Take a message of the app's (ASGI)."""
        if message["type"] == "http.response.start" and message["status"] == 500:
            self._held.append(message)
        elif self._held and message["type"] == "http.response.body":
            self._held.append(message)
            self._size += len(message.get("body", b""))
            if self._size > HELD_BYTES:
                await self.release()
        else:
            await self.release()
            await self._pass_on(message)

    async def release(self) -> None:
        """Send what is held back."""
        held, self._held = self._held, []
        for message in held:
            await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._visit.compare()
            self._visit.give_back_session()
            self.started = True
            if self._visit.access.was_used or (self._visit.access and _is_made_while_sent(message)):
                _keep_private(message)
        await self._send(message)


def _is_made_while_sent(message: Message) -> bool:
    return is_made_while_sent([name.decode("latin-1") for name, _ in message.get("headers", ())])


def _keep_private(message: Message) -> None:
    """Keep an answer that depends on a person's token out of shared caches."""
    message.setdefault("headers", [])
    headers = MutableHeaders(scope=message)
    said = private_headers(headers.get("Cache-Control", ""), ", ".join(headers.getlist("Vary")))
    for name, value in said.items():
        headers[name] = value
