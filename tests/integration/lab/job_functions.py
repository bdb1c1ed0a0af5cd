"""Functions that the tests run in the job process."""

import os
import time

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message


def add(one: int, other: int) -> int:
    return one + other


def process() -> int:
    print("what is printed is no answer")
    return os.getpid()


def refuse() -> None:
    raise ConfigurationInvalid(Message.of("There is no such thing."))


def fail() -> float:
    return 1 / 0


def sleep(seconds: float) -> None:
    time.sleep(seconds)
