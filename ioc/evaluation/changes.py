"""What a commit of the store touched, as evaluation needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Commit(Protocol):
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
    """`earliest_minute` holds each measure that got panes, with the earliest of their minutes (since 1970 UTC);
    `units` are those whose cases of `case_types` changed, more units do no harm; `fed` are
    (source, kind, word) of what each source gave."""

    earliest_minute: Mapping[str, int] = field(default_factory=dict)
    units: frozenset[str] = frozenset()
    case_types: frozenset[str] = frozenset()
    fed: frozenset[tuple[str, str, str]] = frozenset()

    @classmethod
    def of(cls, commits: Iterable[Commit]) -> "Changes":
        """All that the commits touched."""
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
