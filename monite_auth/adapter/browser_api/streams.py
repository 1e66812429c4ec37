"""Monite's answer on its way to the browser, as it is read. One that breaks off raises, so that the server breaks off, too."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import finalize

import httpx

from monite_auth.adapter.answers import Answer, problem
from monite_auth.adapter.browser_api.headers import answer_headers
from monite_auth.adapter.error_log import log_answer
from monite_auth.errors import MoniteUnavailable
from monite_auth.monite_api.headers import REQUEST_ID

__all__ = ["AsyncStream", "Stream", "StreamedAnswer", "head_of", "whole_answer"]

NOT_MODIFIED = 304


Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class StreamedAnswer(Generic[Body]):
    """An HTTP answer whose body comes from Monite as it is read, packed as Monite has packed it.

    `body`: a Stream, or an AsyncStream. It is iterated once, and closed in any case. `headers`: each name once.
    """

    status: int
    headers: Mapping[str, str]
    body: Body = field(repr=False)


class Stream:
    """The bytes of an answer. Raises MoniteUnavailable if they break off. `over`: closed when the call is over.

    That is at the latest when nothing refers to it any more: a middleware may send another response instead.
    """

    def __init__(self, response: httpx.Response, over: ExitStack) -> None:
        self._response = response
        self._over = over
        self._forgotten = _at_collection(self, _close_in_thread, over)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_raw()
        except httpx.TransportError as error:
            raise _broken(error) from None  # the error has the request, and so the token
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection, wherever the answer stands. To close it once more does nothing."""
        self._forgotten.detach()
        self._over.close()


class AsyncStream:
    """The bytes of an answer; see Stream."""

    def __init__(self, response: httpx.Response, over: AsyncExitStack) -> None:
        self._response = response
        self._over = over
        self._forgotten = _at_collection(self, _close_on_loop, asyncio.get_running_loop(), over)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_raw():
                yield chunk
        except httpx.TransportError as error:
            raise _broken(error) from None
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection, wherever the answer stands. To close it once more does nothing."""
        self._forgotten.detach()
        await self._over.aclose()

    def close(self) -> None:
        """Have the event loop do what `aclose` does; from any thread."""
        self._forgotten()


def _at_collection(stream: object, close: Callable[..., None], *arguments: object) -> "finalize[..., object]":
    last_resort = finalize(stream, close, *arguments)
    last_resort.atexit = False
    return last_resort


def _close_in_thread(over: ExitStack) -> None:
    # Not here: a garbage collection may interrupt the very code that holds the lock of the connections.
    threading.Thread(target=over.close, daemon=True).start()


_closing: set[asyncio.Task[None]] = set()
"""Streams that are being closed: event loops hold tasks weakly."""


def _close_on_loop(loop: asyncio.AbstractEventLoop, over: AsyncExitStack) -> None:
    def start() -> None:
        task = loop.create_task(over.aclose())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    with suppress(RuntimeError):  # the loop is closed, and its connections with it
        loop.call_soon_threadsafe(start)


def head_of(response: httpx.Response) -> tuple[int, dict[str, str]]:
    """Return status and headers of the browser's answer."""
    response.headers.encoding = "iso-8859-1"  # bytes as they are: the file's name may be in UTF-8
    return response.status_code, answer_headers(response.status_code, dict(response.headers.items()))


def whole_answer(response: httpx.Response) -> Answer | None:
    """Return what the browser gets at once instead of a stream, or None.

    That is a refusal where Monite's answer is none of the browser's business, and an answer that was read already, since it might
    have been about the token.
    """
    status = response.status_code
    if status == 401:  # it would say that the *user* has to log in
        return _refuse_answer(response, "call_refused", "Monite did not accept the app's call.")
    if 300 <= status < 400 and status != NOT_MODIFIED:
        return _refuse_answer(response, "redirected", "Monite sent the app's call elsewhere.")
    if not 200 <= status < 600:  # none of HTTP's, and servers break on it
        return _refuse_answer(response, "no_answer", "Monite's answer has no status that could be passed on.")
    if response.is_stream_consumed:
        status, headers = head_of(response)
        unpacked = {
            name: value
            for name, value in headers.items()
            if name not in ("Content-Encoding", "Content-Length")
        }
        return Answer(status, unpacked, response.content)
    return None


def _refuse_answer(response: httpx.Response, code: str, message: str) -> Answer:
    """Return the refusal that a browser gets in the place of Monite's answer, and write to the log what that was."""
    request, request_id = response.request, response.headers.get(REQUEST_ID, "no request id")
    asked = f"{request.method} {request.url.path}"
    log_answer(502, code, f"{message} It answered {response.status_code} to {asked} ({request_id}).")
    return problem(502, code, message)


def _broken(error: httpx.TransportError) -> MoniteUnavailable:
    return MoniteUnavailable(f"Monite's answer broke off: {type(error).__name__}.", retry_after=1)
