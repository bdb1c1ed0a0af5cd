"""An alert of another system, such as Prometheus or Grafana."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ioc.model.matcher import MAX_MATCHERS, Matcher
from ioc.model.rule import Severity

_TOLD_ELSEWHERE = ("alertname", "rule", "unit", "severity", "source", "owner")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An alert that another system sent. `id` is that of the alert here; `key` identifies it within all systems by its
    labels. `labels` are those that were sent with ours over them: a sent one of the same name that says something else
    is kept as `exported_…`. `seen_ms` is when it was last sent, `ends_ms` the end that the system gave (0: none),
    `revision` counts changes of what is shown, `is_closed` says that a person ended it."""

    id: str
    key: str
    source: str
    rule: str
    unit: str
    severity: Severity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    onset_ms: int
    link: str = ""
    seen_ms: int = 0
    ends_ms: int = 0
    revision: int = 0
    is_closed: bool = False

    @property
    def name(self) -> str:
        """For people: the summary, else the name that the other system gave."""
        return self.annotations.get("summary") or self.labels.get("alertname", self.rule)

    @property
    def detail(self) -> str:
        """Description, distinguishing labels and address, in one line."""
        told = [f"{name}={value}" for name, value in self.labels.items() if name not in _TOLD_ELSEWHERE]
        parts = [self.annotations.get("description", "").strip(), f"({', '.join(told)})" if told else "", self.link]
        return " ".join(filter(None, parts))

    @property
    def matchers(self) -> list[str]:
        """Matchers that mean this alert whenever it fires, and no other; without severity, which may rise."""
        names = ["source", "alertname", *(name for name in sorted(self.labels) if name not in _TOLD_ELSEWHERE), "unit"]
        given = [Matcher(name, "=", self.labels[name]) for name in names if self.labels.get(name)]
        return [str(one) for one in given[:MAX_MATCHERS]]

    def end_ms(self, resolve_after: timedelta | None) -> int | None:
        """When it counts as ended unless it is sent again: at the end that was given, or `resolve_after` it was last
        sent. None: never by itself."""
        ends = [self.ends_ms] if self.ends_ms else []
        if resolve_after is not None:
            ends.append(max(self.seen_ms, self.onset_ms) + round(resolve_after.total_seconds() * 1000))
        return min(ends, default=None)
