"""Moments of Huế, written as people there write them."""

from __future__ import annotations

from datetime import date, datetime

from ioc.clock import to_ms
from ioc.demo.calendar import day_number
from ioc.settings import VIETNAM


def at(text: str) -> int:
    """`2026-11-23 08:40` in ms."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))


def day(text: str) -> int:
    return day_number(date.fromisoformat(text))
