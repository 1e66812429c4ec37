"""A browser's body on its way to Monite, as it is read: never more of it in memory than may have to be sent again."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

import httpx

from monite_auth.adapter.browser_api.gate import ApiRequest

__all__ = ["KEPT", "AsyncBody", "Body", "BodyBrokeOff", "BodyTooLong", "read_body"]

KEPT = 1024 * 1024
"""Bytes of a body that are kept, so that it can be sent again if the token turns out to be dead."""


CHUNK = 64 * 1024
"""Bytes that are read at once."""


class BodyBrokeOff(Exception):
    """What came is not the body that the browser has announced: it has gone away, or something on the way has changed it."""


class BodyTooLong(Exception):
    """The browser sends more than a body may have."""


class _Kept:
    """What has been read of a body so far, as long as it is short enough to be kept."""

    def __init__(self, longest: float, announced: int | None) -> None:
        self._longest = longest
        self._announced = announced
        self._length = 0
        self._chunks: list[bytes] | None = []
        self._is_whole = False
        self._begun = False

    def can_be_sent_again(self) -> bool:
        """Return whether the body is here from its beginning, or has not been read yet."""
        return not self._begun or (self._is_whole and self._chunks is not None)

    def again(self) -> list[bytes] | None:
        """Return the body where it was read before; None where it is to be read now."""
        if not self._begun:
            self._begun = True
            return None
        if not self.can_be_sent_again():
            raise httpx.StreamConsumed
        return self._chunks

    def keep(self, chunk: bytes) -> bytes:
        self._length += len(chunk)
        if self._length > self._longest:
            raise BodyTooLong
        if self._length > KEPT:
            self._chunks = None
        elif self._chunks is not None:
            self._chunks.append(chunk)
        return chunk

    def end(self) -> None:
        if self._announced is not None and self._length != self._announced:
            raise BodyBrokeOff
        self._is_whole = True


class Body(httpx.SyncByteStream):
    """A body that is read from `chunks`. Raises BodyTooLong beyond `longest` bytes, and BodyBrokeOff if it has not `announced`."""

    def __init__(self, chunks: Iterable[bytes], longest: float, announced: int | None) -> None:
        self._chunks = chunks
        self._kept = _Kept(longest, announced)

    def can_be_sent_again(self) -> bool:
        """Return whether all of it is still here."""
        return self._kept.can_be_sent_again()

    def __iter__(self) -> Iterator[bytes]:
        known = self._kept.again()
        if known is not None:
            yield from known
            return
        for chunk in self._chunks:
            yield self._kept.keep(chunk)
        self._kept.end()


class AsyncBody(httpx.AsyncByteStream):
    """A body that is read from `chunks`; see Body."""

    def __init__(self, chunks: AsyncIterable[bytes], longest: float, announced: int | None) -> None:
        self._chunks = chunks
        self._kept = _Kept(longest, announced)

    def can_be_sent_again(self) -> bool:
        """Return whether all of it is still here."""
        return self._kept.can_be_sent_again()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        known = self._kept.again()
        if known is not None:
            for chunk in known:
                yield chunk
            return
        async for chunk in self._chunks:
            yield self._kept.keep(chunk)
        self._kept.end()


def read_body(request: ApiRequest, read: Callable[[int], bytes]) -> Iterator[bytes] | None:
    """Return the body of a request as it is read, once; None where there is none.

    `read`: returns up to so many bytes, and none at the end, as WSGI's `wsgi.input` does. Raises BodyBrokeOff while it is read.
    """
    return _read(request, read) if request.has_body else None


def _read(request: ApiRequest, read: Callable[[int], bytes]) -> Iterator[bytes]:
    left = request.length
    while left is None or left > 0:
        try:
            chunk = read(CHUNK if left is None else min(CHUNK, left))
        # Servers have errors of their own for a connection that breaks, and for chunks that are none.
        except Exception as error:
            raise BodyBrokeOff from error
        if chunk:
            yield chunk
        elif left is None:
            return
        else:
            raise BodyBrokeOff
        left = None if left is None else left - len(chunk)
