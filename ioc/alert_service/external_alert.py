"""An alert of another system, such as Prometheus or Grafana."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ioc.model.matcher import MAX_MATCHERS, Matcher
from ioc.model.rule import Severity

_SHOWN_ELSEWHERE = ("alertname", "rule", "unit", "severity", "source", "owner")


@dataclass(frozen=True, slots=True)
class ExternalAlert:
    """An alert that another system sent. The fields are stored as JSON; their names must not change.

    `id` is the alert's id in this centre; `key` identifies it across all systems by its labels. `labels` are the sent
    ones with this centre's on top: a sent label of the same name with another value is kept as `exported_…`.
    `seen_ms` is when the alert was last sent, `ends_ms` the end that its system gave (0: none). `revision` counts
    changes of what is shown. `is_closed` means that a person ended it.
    """

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
        """Name for people: the summary, else the name that the other system gave."""
        return self.annotations.get("summary") or self.labels.get("alertname", self.rule)

    @property
    def detail(self) -> str:
        """Description, distinguishing labels and address, on one line."""
        labels = [f"{name}={value}" for name, value in self.labels.items() if name not in _SHOWN_ELSEWHERE]
        parts = [self.annotations.get("description", "").strip(), f"({', '.join(labels)})" if labels else "", self.link]
        return " ".join(filter(None, parts))

    @property
    def matchers(self) -> list[str]:
        """Matchers that select this alert whenever it fires, and no other; without severity, which may rise."""
        distinguishing = (name for name in sorted(self.labels) if name not in _SHOWN_ELSEWHERE)
        names = ["source", "alertname", *distinguishing, "unit"]
        matchers = [Matcher(name, "=", self.labels[name]) for name in names if self.labels.get(name)]
        return [str(matcher) for matcher in matchers[:MAX_MATCHERS]]

    def end_ms(self, resolve_after: timedelta | None) -> int | None:
        """Return when the alert ends unless it is sent again: the given end, or `resolve_after` since it was last sent.

        None means that it never ends by itself.
        """
        ends = [self.ends_ms] if self.ends_ms else []
        if resolve_after is not None:
            ends.append(max(self.seen_ms, self.onset_ms) + round(resolve_after.total_seconds() * 1000))
        return min(ends, default=None)
