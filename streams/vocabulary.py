"""The vocabulary of the current catalogue, loaded in a separate process and kept in a file for the workers.

The catalogue's loader tries conditions in DuckDB: 35 MB and most of a second that workers save this way. `python -m
streams.vocabulary FILE` writes the file, or ends with code 1 and the faults on stderr.
"""

import pickle
import subprocess
import sys
from pathlib import Path

from ioc.atomic_file import write_atomically
from ioc.definition_files import Stamp, definitions_stamp
from ioc.errors import ConfigurationInvalid, IocError
from ioc.messages import Message
from ioc.model.vocabulary import Vocabulary
from ioc.settings import Settings

FILE = "vocabulary"
_TIMEOUT_S = 60


class VocabularyFile:
    """The file, written again when the province's own definitions have changed."""

    def __init__(self, settings: Settings) -> None:
        self._definitions = settings.catalog_dir
        self._path = settings.data_dir / "streams" / FILE
        self._stamp: Stamp | None = None

    def refresh(self) -> None:
        """Write the file if a definition has changed.

        Raises ConfigurationInvalid with the faults, once per change; the file then stays unchanged.
        """
        stamp = definitions_stamp(self._definitions)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        command = [sys.executable, "-m", "streams.vocabulary", str(self._path)]
        writing = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
        if writing.returncode != 0:
            raise ConfigurationInvalid(Message.of(writing.stderr.decode(errors="replace").strip()))


class CurrentVocabulary:
    """The vocabulary that a worker checks records against: `current`, after each `reload`."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.data_dir / "streams" / FILE
        self._seen_ns = 0
        self.current = Vocabulary()
        self.reload()

    def reload(self) -> None:
        """Read the file again if it has changed."""
        written_ns = self._path.stat().st_mtime_ns
        if written_ns != self._seen_ns:
            self._seen_ns = written_ns
            self.current = pickle.loads(self._path.read_bytes())


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
    write_atomically(path, pickle.dumps(plain))


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
