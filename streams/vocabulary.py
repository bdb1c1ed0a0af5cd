"""The vocabulary of the catalogue in force, loaded in a process of its own.

The catalogue's loader tries conditions in DuckDB: 35 MB and a third of a second that a worker need not keep.
`python -m streams.vocabulary` writes the pickled vocabulary to stdout, or ends with code 1 and the faults on stderr.
"""

import pickle
import subprocess
import sys
from pathlib import Path

from ioc.errors import ConfigurationInvalid, IocError
from ioc.model.vocabulary import Vocabulary
from ioc.settings import Settings

_TIMEOUT_S = 60


def load_vocabulary() -> Vocabulary:
    """As the environment's settings name it. Raises ConfigurationInvalid with the catalogue's faults."""
    command = [sys.executable, "-m", "streams.vocabulary"]
    loading = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    if loading.returncode != 0:
        raise ConfigurationInvalid(loading.stderr.decode(errors="replace").strip())
    vocabulary: Vocabulary = pickle.loads(loading.stdout)
    return vocabulary


def stamp(catalog_dir: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a definition of the province's own changes: names, times and sizes of its files."""
    paths = sorted(catalog_dir.glob("*.toml")) if catalog_dir.is_dir() else []
    states = [(path, path.stat()) for path in paths]
    return tuple((path.name, state.st_mtime_ns, state.st_size) for path, state in states)


def _main() -> None:
    from ioc import catalog

    settings = Settings.from_environment()
    try:
        vocabulary = catalog.load(settings.province, settings.catalog_dir).vocabulary
    except IocError as fault:
        sys.exit(str(fault))
    plain = Vocabulary(dict(vocabulary.measures), dict(vocabulary.units), dict(vocabulary.case_types))
    sys.stdout.buffer.write(pickle.dumps(plain))


if __name__ == "__main__":
    _main()
