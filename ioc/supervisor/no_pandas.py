"""Keep pandas from being imported: DuckDB and Arrow import it whenever it is installed (some 60 MB and 0.5 s).

It is installed only for the forecasting library, which runs in a process of its own.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _PandasRefusal:
    """A finder of modules that comes before those that search the disk."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out of this process", name=name)
        return None


def keep_pandas_out() -> None:
    """Refuse pandas for the rest of this process; may be called twice. Its children start without the refusal."""
    # None in sys.modules would be enough for Python, but Arrow takes it for the module.
    if _PandasRefusal not in sys.meta_path:
        sys.meta_path.insert(0, _PandasRefusal)
