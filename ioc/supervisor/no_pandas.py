"""A process without pandas, which DuckDB and Arrow load by themselves wherever it is installed (some 60 MB, 0.5 s).

It is installed for the forecasts' library alone, which runs in a process of its own.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Refusal:
    """A finder that answers before those that look on the disk."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is kept out of this process", name=name)
        return None


def keep_pandas_out() -> None:
    """For the rest of this process; harmless when done before. Children start anew without it."""
    # An entry of None in sys.modules would do for Python, but Arrow takes it for the module.
    if _Refusal not in sys.meta_path:
        sys.meta_path.insert(0, _Refusal)
