"""Websocket messages made ready once for all who get them."""

import struct

_TEXT_FINAL = 0x81  # RFC 6455: FIN and opcode 1; a server's frames are not masked


def text_frame(payload: bytes) -> bytes:
    """One unfragmented text frame. `payload` is UTF-8."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", _TEXT_FINAL, length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _TEXT_FINAL, 126, length)
    else:
        head = struct.pack("!BBQ", _TEXT_FINAL, 127, length)
    return head + payload


class Packet:
    """Messages that are sent together, as payloads and, in one piece, as frames."""

    __slots__ = ("frames", "payloads")

    def __init__(self, *payloads: bytes) -> None:
        self.payloads = payloads
        self.frames = b"".join(map(text_frame, payloads))
