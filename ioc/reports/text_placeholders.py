"""Texts with values: `Tỷ lệ đúng hạn {kpi:dossier.on_time_rate}, {kpi:dossier.on_time_rate|change}`.

After the bar: `change` (against the period before), `last_year` (against the same period of last year), `target`
(whether it is reached). `{period}`, `{period_before}`, `{province}` are words. A value without data is a dash with its
reason.
"""

import re
from collections.abc import Callable, Mapping

from ioc.errors import IocError
from ioc.messages import Message

_PLACE = re.compile(r"\{([^{}]*)\}")
_KPI = re.compile(r"kpi:([a-z0-9_.]+)(?:\|(\w+))?")
MODES = ("value", "change", "last_year", "target")
WORDS = ("period", "period_before", "province")


class SentenceUnfit(IocError):
    """A text names something that does not exist."""


def kpis_of(text: str) -> list[str]:
    """Return the KPIs that a text names, once each.

    Raises SentenceUnfit for an unknown placeholder.
    """
    found: dict[str, None] = {}
    for inside in _PLACE.findall(text):
        match = _KPI.fullmatch(inside)
        if match is None:
            if inside not in WORDS:
                raise SentenceUnfit(Message("placeholder_unknown", given=inside, known=", ".join(WORDS)))
            continue
        if match[2] and match[2] not in MODES:
            raise SentenceUnfit(Message("placeholder_mode", given=inside, mode=match[2], known=", ".join(MODES)))
        found[match[1]] = None
    return list(found)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return the text with KPIs replaced by other ids."""

    def put(match: re.Match[str]) -> str:
        inside = _KPI.fullmatch(match[1])
        if inside is None:
            return match[0]
        mode = f"|{inside[2]}" if inside[2] else ""
        return f"{{kpi:{names.get(inside[1], inside[1])}{mode}}}"

    return _PLACE.sub(put, text)


def filled(text: str, words: Mapping[str, str], figure: Callable[[str, str], str]) -> str:
    """Return the text with its placeholders filled; `figure(kpi, mode)` returns a value as text."""

    def put(match: re.Match[str]) -> str:
        inside = _KPI.fullmatch(match[1])
        return words[match[1]] if inside is None else figure(inside[1], inside[2] or "value")

    return _PLACE.sub(put, text)
