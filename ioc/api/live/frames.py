"""Websocket messages, encoded once for all clients."""

import struct

_TEXT_FINAL = 0x81  # RFC 6455: FIN and opcode 1. Frames of a server are not masked


def text_frame(payload: bytes) -> bytes:
    """Return an unfragmented text frame. `payload` is UTF-8."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _TEXT_FINAL, length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _TEXT_FINAL, 126, length)
    else:
        head = struct.pack("!BBQ", _TEXT_FINAL, 127, length)
    return head + payload


class Packet:
    """Messages that are sent together: as separate payloads, and as frames in one piece."""

    __slots__ = ("frames", "payloads")

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = payloads
        self.frames = b"".join(map(text_frame, payloads))
