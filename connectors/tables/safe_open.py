"""Open files in a folder that others write into, without following a link out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_inside(folder: Path, path: Path) -> Iterator[BinaryIO]:
    """Open a regular file in the folder or below for reading.

    Raises OSError, also for a link on the way, and for a file with another name (a hard link), which may be elsewhere.
    """
    if path.is_absolute() or ".." in path.parts:
        raise PermissionError(f"{path} is outside the folder")
    with opened_folder(folder, path.parent.parts) as here:
        handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise PermissionError(f"{path} is not a file of this folder alone")
        yield file


@contextmanager
def opened_folder(folder: Path, beneath: Sequence[str]) -> Iterator[int]:
    """Open the folder `beneath` and yield its descriptor. Only `folder` itself may be a link, made by its owner."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in beneath:
            deeper = os.open(name, DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = deeper
        yield handle
    finally:
        os.close(handle)
