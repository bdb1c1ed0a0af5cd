"""Watch for data that stays in the disk buffers of this machine's sources for longer than a burst."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ioc.model.fault import Fault
from ioc.model.source import SourceState

WAITS_AFTER = timedelta(seconds=8)
"""A burst goes through the disk too, but reaches the broker within seconds."""


class SpoolWatch:
    """A check of the fault register for buffers that Kafka does not accept, or that no running source sends."""

    def __init__(self, data_dir: Path, states: Callable[[], Sequence[SourceState]]) -> None:
        self._folder = data_dir / "spool"
        self._states = states
        self._since: dict[str, datetime] = {}

    def __call__(self, now: datetime) -> Iterable[Fault]:
        """Yield one fault per buffer that has waited for WAITS_AFTER."""
        sizes = _sizes(self._folder)
        self._since = {source: self._since.get(source, now) for source in sizes}
        states = {state.source: state for state in self._states()}
        for source, since in sorted(self._since.items()):
            if now - since < WAITS_AFTER:
                continue
            megabytes = round(sizes[source] / 1e6, 3)
            if (state := states.get(source)) is None:
                yield Fault.of("spool_left", since, source=source, megabytes=megabytes)
            else:
                yield Fault.of("spool_waits", since, source=source, megabytes=megabytes, records=state.buffered)


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of each buffer that is not empty, by source; an unreadable one counts as empty."""
    sizes = {}
    try:
        for path in folder.glob("*.spool"):
            if size := path.stat().st_size:
                sizes[path.stem] = size
    except OSError:
        pass
    return sizes
