"""Numbers of JSON bodies that 64 bits do not hold are found, and nothing else is."""

import pytest

from ioc.api.http.strict_json import _wide_integer


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"x": 12345678901234567890123}', "12345678901234567890123"),
        (b'{"x": -9223372036854775809}', "-9223372036854775809"),
        (b'{"x": 18446744073709551616}', "18446744073709551616"),
        (b'{"x": 18446744073709551615}', None),
        (b'{"x": -9223372036854775808}', None),
        (b'{"x": "12345678901234567890123"}', None),
        (rb'{"x": "\"12345678901234567890123"}', None),
        (b'{"x": 12345678901234567890123.5}', None),
        (b'{"x": 12345678901234567890123e2}', None),
        (b'{"x": 1}', None),
        (b"[" + b"1" * 1_000_000 + b".5]", None),
    ],
)
def test_wide_integers(body: bytes, found: str | None) -> None:
    assert _wide_integer(body) == found
