"""The suites together try as many inputs as they promise."""

from tests.fuzz.counts import total


def test_totals() -> None:
    assert 1_000 <= total(0) <= 1_200
    assert total(1) >= 20_000
