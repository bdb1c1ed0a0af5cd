"""What a commit of the store changed, as the evaluation needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class CommitReport(Protocol):
    """The store's report of one commit."""

    @property
    def earliest_minute(self) -> Mapping[str, int]: ...
    @property
    def units(self) -> frozenset[str]: ...
    @property
    def case_types(self) -> frozenset[str]: ...
    @property
    def fed(self) -> frozenset[tuple[str, str, str]]: ...


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of some commits.

    `earliest_minute` has the earliest changed minute (since 1970 UTC) of each measure that got panes; `units` are those
    whose cases of `case_types` changed (more units do no harm); `fed` are (source, kind, id) of what each source sent.
    """

    earliest_minute: Mapping[str, int] = field(default_factory=dict)
    units: frozenset[str] = frozenset()
    case_types: frozenset[str] = frozenset()
    fed: frozenset[tuple[str, str, str]] = frozenset()

    @classmethod
    def of(cls, commits: Iterable[CommitReport]) -> "Changes":
        """Return all changes of the commits."""
        earliest: dict[str, int] = {}
        units: set[str] = set()
        case_types: set[str] = set()
        fed: set[tuple[str, str, str]] = set()
        for commit in commits:
            for measure, minute in commit.earliest_minute.items():
                earliest[measure] = min(minute, earliest.get(measure, minute))
            units |= commit.units
            case_types |= commit.case_types
            fed |= commit.fed
        return cls(earliest, frozenset(units), frozenset(case_types), frozenset(fed))
