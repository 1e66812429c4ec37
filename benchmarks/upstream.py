"""A Monite that costs next to nothing: it mints a token for everybody, and answers every call with as many bytes as it asks for."""

import asyncio
import json
import re
import secrets
import sys

__all__ = ["main"]

CHUNK = b"x" * 65536
SIZE = re.compile(rb"bytes=(\d+)")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if length:
            await reader.readexactly(int(length[1]))
        if head.startswith(b"POST /v1/auth/token"):
            token = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "expires_in": 1800}
            body = json.dumps(token).encode()
            writer.write(_head(len(body)) + body)
        else:
            asked = SIZE.search(head)
            left = int(asked[1]) if asked else 0
            writer.write(_head(left))
            while left:
                writer.write(CHUNK[:left])
                left -= min(left, len(CHUNK))
                await writer.drain()
        await writer.drain()


def _head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % length


async def main(port: int) -> None:
    """Serve until the process ends."""
    async with await asyncio.start_server(_serve, "127.0.0.1", port, backlog=1000) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
