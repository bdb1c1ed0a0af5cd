"""The data directory belongs to the centre's user alone: it holds secrets, cases and refused records."""

import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("ioc.files")

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class MendedFiles:
    """How many files and folders others could reach and no longer can, and which of them stay as they are."""

    mended: int
    left: tuple[Path, ...]


def keep_new_files_private() -> None:
    """Whatever this process and its children make is for their user alone: 0600, folders 0700."""
    os.umask(0o077)


def make_private(folder: Path) -> MendedFiles:
    """Take away what others may do in `folder` and everything below it; links are not followed."""
    mended, left = 0, []
    for path, mode in _below(folder):
        if not mode & _OTHERS:
            continue
        try:
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
            mended += 1
        except OSError:
            left.append(path)
    return MendedFiles(mended, tuple(left))


def check_private(folder: Path) -> None:
    """Mend `folder` as `make_private` does, and say in the log what could not be mended."""
    left = make_private(folder).left
    if left:
        log.warning(
            "Others on this machine can reach %d files of the data directory, %s for one: give them to the user that "
            "runs the centre (chown -R), who then takes the rights away.",
            len(left),
            left[0],
        )


def _below(folder: Path) -> Iterator[tuple[Path, int]]:
    """Path and mode of the folder and of all files and folders in it; sockets and links are left out."""
    try:
        yield folder, folder.stat().st_mode
        entries = list(os.scandir(folder))
    except OSError:
        return  # gone, or not ours to look into
    for entry in entries:
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            continue
        if stat.S_ISDIR(mode):
            yield from _below(Path(entry.path))
        elif stat.S_ISREG(mode):
            yield Path(entry.path), mode
