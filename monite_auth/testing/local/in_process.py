"""Calls to a local Monite without a socket: a transport of httpx, for clients in threads and on event loops."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx

__all__ = ["InProcessTransport"]


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands each request to an ASGI app, and keeps the client's read timeout, as a connection would.

    `app`: the ASGI app of an emulator. Where a fault cuts the connection, the client gets an `httpx.ReadError`.
    """

    def __init__(self, app: Any) -> None:
        self._asgi = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a client on an event loop."""
        patience = request.extensions.get("timeout", {}).get("read")
        try:
            with anyio.fail_after(patience):
                return await self._asgi.handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("The emulator has not answered in time.", request=request) from None
        except ConnectionAbortedError as error:
            raise httpx.ReadError(str(error), request=request) from None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a client in a thread, on an event loop of its own: the thread may be running one."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(self._whole(request))).result()

    async def _whole(self, request: httpx.Request) -> httpx.Response:
        whole = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        whole.extensions.update(request.extensions)
        response = await self.handle_async_request(whole)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())
