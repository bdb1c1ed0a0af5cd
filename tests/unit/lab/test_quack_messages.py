"""Quack's messages, by traffic of the client and server of DuckDB 1.5.5 as it was recorded."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.lab.quack.messages import Kind, MessageUnfit, QuackMessage, disconnect, error

CONNECT = (
    b"\x01\x00\x01\x03\x00\x05\xff\xff\x01\x00\rsecret-secret\x02\x00\x06v1.5.5\x03\x00\x0blinux_amd64"
    b"\x04\x00\x01\x05\x00\x01\xff\xff"
)
CONNECTED = (
    b"\x01\x00\x02\x02\x00 763C042AD2462122BC324C78646B2B2D\x03\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff"
    b"\x01\x00\x06v1.5.5\x02\x00\x0blinux_amd64\x03\x00\x01\xff\xff"
)
PREPARE = (
    b"\x01\x00\x03\x02\x00 763C042AD2462122BC324C78646B2B2D\x03\x00\x07\xff\xff\x01\x00\x10SELECT #1 FROM t\xff\xff"
)
APPEND = (
    b"\x01\x00\t\x02\x00 763C042AD2462122BC324C78646B2B2D\x03\x00\r\xff\xff\x01\x00\x04main\x02\x00\x01t\x03\x00\x01,"
    b"\x01d\x00\x01e\x00\x02d\x00\x0e\xff\xffd\x00\x19\xff\xfff\x00\x02d\x00\x00f\x00\x08\x01\x00\x00\x00\x00\x00\x00"
    b"\x00\xff\xffd\x00\x00f\x00\x01\x01a\xff\xff\xff\xff\xff\xff\xff\xff"
)
ERROR = (
    b"\x01\x00d\x03\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff"
    b'\x01\x00_Cannot execute statement of type "CREATE" on database "q2" which is attached in read-only mode!\xff\xff'
)


@pytest.mark.parametrize(
    ("data", "kind", "connection"),
    [
        pytest.param(CONNECT, Kind.CONNECT, "", id="connect"),
        pytest.param(CONNECTED, Kind.CONNECTED, "763C042AD2462122BC324C78646B2B2D", id="connected"),
        pytest.param(PREPARE, Kind.PREPARE, "763C042AD2462122BC324C78646B2B2D", id="prepare"),
        pytest.param(APPEND, 9, "763C042AD2462122BC324C78646B2B2D", id="append, which is not passed on"),
        pytest.param(ERROR, Kind.ERROR, "", id="error"),
    ],
)
def test_a_recorded_message_is_read_and_written_the_same(data: bytes, kind: int, connection: str) -> None:
    message = QuackMessage.read(data)
    assert (message.kind, message.connection) == (kind, connection)
    assert message.of_connection(connection) == data


def test_the_token_is_exchanged() -> None:
    message = QuackMessage.read(CONNECT)
    assert message.token() == "secret-secret"
    other = "bí mật" * 40
    exchanged = QuackMessage.read(message.with_token(other).of_connection(""))
    assert exchanged.token() == other
    assert exchanged.with_token("secret-secret").of_connection("") == CONNECT


def test_another_connection() -> None:
    moved = QuackMessage.read(PREPARE).of_connection("A" * 32)
    assert moved == PREPARE.replace(b"763C042AD2462122BC324C78646B2B2D", b"A" * 32)


def test_the_fronts_own_messages() -> None:
    assert error(ERROR[20:-2].decode().lstrip("_")) == ERROR
    assert QuackMessage.read(disconnect("B" * 32)).connection == "B" * 32


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_unfit(data: bytes) -> None:
    with contextlib.suppress(MessageUnfit):
        QuackMessage.read(data).token()


@given(st.integers(0, len(CONNECT) - 1))
def test_a_message_cut_off_is_unfit_or_has_less(length: int) -> None:
    with contextlib.suppress(MessageUnfit):
        assert len(QuackMessage.read(CONNECT[:length]).body) < 60
