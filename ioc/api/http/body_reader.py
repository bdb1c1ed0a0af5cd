"""Read the body of a push piece by piece, within limits."""

import asyncio
import zlib
from collections.abc import AsyncIterator

from fastapi import Request

from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.messages import Message

MAX_PUSH_BYTES = 50 * 1024 * 1024
MAX_ALL_BODIES_BYTES = 4 * MAX_PUSH_BYTES
_PIECE_BYTES = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class BodyReader:
    """Reads bodies. All that are being read at one time share a limit, so that large ones cannot fill the memory."""

    def __init__(self) -> None:
        self._held_bytes = 0

    async def read(self, request: Request) -> bytes:
        """Return the body, decompressed if it is gzip.

        Raises Problem: 400 for broken gzip, 413 for a body that is too large (the rest is not read), 415 for another
        encoding, 503 when too much is being read at one time.
        """
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise Problem(415, Message("encoding_not_known", encoding=encoding[:40]))
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > MAX_PUSH_BYTES:
            raise _too_large()
        chunks = request.stream()
        body = bytearray()
        try:
            async for piece in _unpacked(chunks) if encoding == "gzip" else chunks:
                if len(body) + len(piece) > MAX_PUSH_BYTES:
                    raise _too_large()
                if self._held_bytes + len(piece) > MAX_ALL_BODIES_BYTES:
                    raise Problem(
                        503,
                        Message("pushed_too_much"),
                        headers={"Retry-After": str(RETRY_AFTER_S)},
                    )
                self._held_bytes += len(piece)
                body += piece
            return bytes(body)
        finally:
            self._held_bytes -= len(body)


def _too_large() -> Problem:
    return Problem(413, Message("body_too_large", limit=MAX_PUSH_BYTES >> 20))


async def _unpacked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces of at most 1 MB, however much a chunk contains; other tasks may run between them."""
    inflate = zlib.decompressobj(_GZIP)
    try:
        async for chunk in chunks:
            rest = chunk
            while rest and not inflate.eof:
                piece = inflate.decompress(rest, _PIECE_BYTES)
                rest = inflate.unconsumed_tail
                if piece:
                    yield piece
                    await asyncio.sleep(0)
            if inflate.unused_data:
                raise Problem(400, Message("gzip_trailing"))
    except zlib.error:
        raise Problem(400, Message("gzip_invalid")) from None
    if not inflate.eof:
        raise Problem(400, Message("gzip_cut"))
