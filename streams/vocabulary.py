"""The vocabulary of the catalogue in force, loaded in a process of its own and kept in a file for the workers.

The catalogue's loader tries conditions in DuckDB: 35 MB and most of a second that a worker can do without.
`python -m streams.vocabulary FILE` writes the file, or ends with code 1 and the faults on stderr.
"""

import pickle
import subprocess
import sys
from pathlib import Path

from ioc.definition_files import Stamp, definitions_stamp
from ioc.errors import ConfigurationInvalid, IocError
from ioc.model.vocabulary import Vocabulary
from ioc.settings import Settings

FILE = "vocabulary"
_TIMEOUT_S = 60


class VocabularyFile:
    """The file, and whether the province's own definitions have changed since it was written."""

    def __init__(self, settings: Settings) -> None:
        self._definitions = settings.catalog_dir
        self._path = settings.data_dir / "streams" / FILE
        self._written_of: Stamp | None = None

    def refresh(self) -> None:
        """Write the file if a definition has changed. Raises ConfigurationInvalid with the faults, once a change; the
        file then stays as it is."""
        stamp = definitions_stamp(self._definitions)
        if stamp == self._written_of:
            return
        self._written_of = stamp
        command = [sys.executable, "-m", "streams.vocabulary", str(self._path)]
        writing = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
        if writing.returncode != 0:
            raise ConfigurationInvalid(writing.stderr.decode(errors="replace").strip())


class VocabularyInForce:
    """What a worker checks against: `now` after each `look`."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.data_dir / "streams" / FILE
        self._seen_ns = 0
        self.now = Vocabulary()
        self.look()

    def look(self) -> None:
        """Read the file again if it is another one."""
        written_ns = self._path.stat().st_mtime_ns
        if written_ns != self._seen_ns:
            self._seen_ns = written_ns
            self.now = pickle.loads(self._path.read_bytes())


def _write(path: Path) -> None:
    from ioc import catalog

    settings = Settings.from_environment()
    try:
        vocabulary = catalog.load_kept(settings.province, settings.catalog_dir, settings.kept_dir).vocabulary
    except IocError as fault:
        sys.exit(str(fault))
    plain = Vocabulary(
        dict(vocabulary.measures),
        dict(vocabulary.units),
        dict(vocabulary.case_types),
        dict(vocabulary.former_units),
    )
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(plain))
    part.replace(path)


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
