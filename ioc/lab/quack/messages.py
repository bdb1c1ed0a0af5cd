"""Parse Quack messages as far as the proxy needs: kind, connection, token; build errors.

Source: the code and traffic of the extension of DuckDB 1.5.5 (protocol version 1). A message is two consecutive objects
of DuckDB's binary serialization: a header (1 kind, 2 connection id, 3 number of the query) and a body. A field is its
number in two bytes (little endian) and its value; 0xFFFF ends the object; numbers and text lengths are LEB128.
"""

from dataclasses import dataclass
from enum import IntEnum

_END = b"\xff\xff"
_NO_NUMBER = b"\xff" * 9 + b"\x01"


class Kind(IntEnum):
    """Message kinds that clients of this version send and the proxy passes on or answers."""

    CONNECT = 1
    CONNECTED = 2
    PREPARE = 3
    FETCH = 7
    SUCCESS = 10
    DISCONNECT = 11
    CLOSE_RESULT = 12
    ERROR = 100


PASSED_ON = frozenset({Kind.PREPARE, Kind.FETCH, Kind.DISCONNECT, Kind.CLOSE_RESULT})


class MessageUnfit(ValueError):
    """Not a message of this protocol."""


@dataclass(frozen=True, slots=True)
class QuackMessage:
    """A message.

    `kind` may be a number that Kind does not know; `query` is kept as received, for rewriting the header.
    """

    kind: int
    connection: str
    query: bytes
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> "QuackMessage":
        """Parse a message.

        Raises MessageUnfit.
        """
        reader = _Reader(data)
        kind, connection, query = 0, "", b""
        while (field := reader.field()) is not None:
            if field == 1:
                kind = reader.number()
            elif field == 2:
                connection = reader.text()
            elif field == 3:
                begin = reader.at
                reader.number()
                query = data[begin : reader.at]
            else:
                raise MessageUnfit(f"a header without a field {field}")
        return cls(kind, connection, query, data[reader.at :])

    def of_connection(self, connection: str) -> bytes:
        """Return the message as bytes for another connection."""
        header = _field(1) + _leb128(self.kind) + (_field(2) + _text(connection) if connection else b"")
        return header + _field(3) + (self.query or _NO_NUMBER) + _END + self.body

    def token(self) -> str:
        """Return the token of a CONNECT.

        Raises MessageUnfit.
        """
        reader = _Reader(self.body)
        return reader.text() if reader.field() == 1 else ""

    def with_token(self, token: str) -> "QuackMessage":
        """Return a CONNECT with another token.

        Raises MessageUnfit.
        """
        reader = _Reader(self.body)
        rest = self.body
        if reader.field() == 1:
            reader.text()
            rest = self.body[reader.at :]
        return QuackMessage(self.kind, self.connection, self.query, _field(1) + _text(token) + rest)


def error(sentence: str) -> bytes:
    """Return an answer that the client shows as its error."""
    header = _field(1) + _leb128(Kind.ERROR) + _field(3) + _NO_NUMBER + _END
    return header + _field(1) + _text(sentence) + _END


def done() -> bytes:
    """Return the answer to a message that has no answer of its own."""
    return QuackMessage(Kind.SUCCESS, "", b"", _END).of_connection("")


def disconnect(connection: str) -> bytes:
    return QuackMessage(Kind.DISCONNECT, "", b"", _END).of_connection(connection)


class _Reader:
    """Reads fields of DuckDB's binary serialization."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def field(self) -> int | None:
        number = self._take(2)
        return None if number == _END else int.from_bytes(number, "little")

    def number(self) -> int:
        value, shift = 0, 0
        while shift < 70:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise MessageUnfit("a number without an end")

    def text(self) -> str:
        try:
            return self._take(self.number()).decode()
        except UnicodeDecodeError:
            raise MessageUnfit("a text that is not UTF-8") from None

    def _take(self, length: int) -> bytes:
        taken = self._data[self.at : self.at + length]
        if len(taken) != length:
            raise MessageUnfit("a message that is cut off")
        self.at += length
        return taken


def _field(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _text(text: str) -> bytes:
    data = text.encode()
    return _leb128(len(data)) + data


def _leb128(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)
