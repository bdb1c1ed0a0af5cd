"""Wrong passwords delay whoever sends them, and nobody else."""

import pytest

from ioc.people.login_throttle import (
    FORGOTTEN_AFTER_S,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    MAX_DELAY_S,
    MAX_REMEMBERED,
    LoginThrottle,
)


@pytest.fixture
def throttle() -> LoginThrottle:
    return LoginThrottle()


def fail(throttle: LoginThrottle, origin: str, name: str, times: int, now_s: float = 0.0) -> list[float | None]:
    """Wrong tries one after another, each as soon as it may; how long each waited."""
    waits = []
    for _ in range(times):
        wait_s = throttle.reserve(origin, name, now_s)
        waits.append(wait_s)
        now_s += wait_s or 0.0
        throttle.failed(origin, name, now_s)
    return waits


def test_the_first_are_free_then_each_waits_twice_as_long(throttle: LoginThrottle) -> None:
    waits = fail(throttle, "a", "lan", FREE_TRIES + 7)
    assert waits == [0, 0, 0, 0.5, 1, 2, 4, MAX_DELAY_S, MAX_DELAY_S, MAX_DELAY_S]


def test_a_stranger_slows_nobody_else(throttle: LoginThrottle) -> None:
    fail(throttle, "stranger", "lan", 20)
    assert throttle.reserve("home", "lan", 0.0) == 0
    assert throttle.reserve("stranger", "hoa", 0.0) == 0


def test_a_name_without_an_account_costs_the_same(throttle: LoginThrottle) -> None:
    assert fail(throttle, "a", "lan", 8) == fail(LoginThrottle(), "a", "nobody", 8)


def test_many_at_once_wait_behind_each_other(throttle: LoginThrottle) -> None:
    fail(throttle, "a", "lan", FREE_TRIES + 2)
    at_once = [throttle.reserve("a", "lan", 1.0) for _ in range(8)]
    assert None in at_once
    waits = [wait_s for wait_s in at_once if wait_s is not None]
    assert waits == sorted(set(waits))
    assert max(waits) <= MAX_DELAY_S


def test_a_right_try_forgets_the_wrong_ones(throttle: LoginThrottle) -> None:
    fail(throttle, "a", "lan", 6)
    throttle.succeeded("a", "lan")
    assert throttle.reserve("a", "lan", 0.0) == 0


def test_one_password_on_many_names_becomes_slow(throttle: LoginThrottle) -> None:
    for number in range(FREE_TRIES_OF_ADDRESS):
        assert fail(throttle, "a", f"name{number}", 1) == [0]
    assert throttle.reserve("a", "yet-another", 0.0)


def test_it_is_forgotten_and_bounded(throttle: LoginThrottle) -> None:
    fail(throttle, "a", "lan", 10)
    assert throttle.reserve("a", "lan", 100.0 + FORGOTTEN_AFTER_S) == 0
    for number in range(MAX_REMEMBERED):
        throttle.failed(f"address {number}", "lan", 0.0)
    assert len(throttle._tries) <= MAX_REMEMBERED
