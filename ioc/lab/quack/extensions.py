"""DuckDB extensions that come as Python packages; each package holds the signed extension file."""

from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

QUACK = ("httpfs", "quack")
"""In loading order: Quack sends through httpfs."""


def files() -> list[Path]:
    """Return the extension files for `LOAD 'FILE'`, which needs neither INSTALL nor a network.

    Raises ConfigurationInvalid when one is missing.
    """
    return [_file(name, version("duckdb")) for name in QUACK]


def _file(name: str, of_duckdb: str) -> Path:
    package = f"duckdb-extension-{name}"
    wanted = f"duckdb_extension_{name}/extensions/v{of_duckdb}/{name}.duckdb_extension"
    try:
        path = Path(str(distribution(package).locate_file(wanted)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ConfigurationInvalid(Message("quack_package", package=package, version=of_duckdb))
    return path
