"""The province's files of definitions, without the loader that reads them: it needs DuckDB."""

from __future__ import annotations

from pathlib import Path

PATTERNS = ("*.toml", "*.csv")
"""The province's files that the catalogue is made of."""
Stamp = tuple[tuple[str, int, int, int], ...]


def definitions_stamp(overlay: Path | None) -> Stamp:
    """Return a stamp that changes when a file is written, added or removed; empty without a folder. Raises OSError."""
    if overlay is None or not overlay.is_dir():
        return ()
    paths = sorted(path for pattern in PATTERNS for path in overlay.glob(pattern))
    states = [(path.name, path.stat()) for path in paths]
    return tuple((name, state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states)
