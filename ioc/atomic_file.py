"""Write a file whole or not at all: a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, data: bytes | str, *, durable: bool = False, private: bool = False) -> None:
    """Replace the file at `path` by one with this content; a text is written as UTF-8. Raises OSError.

    `durable` and `private` are those of `atomic_file`.
    """
    with atomic_file(path, durable=durable, private=private) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path, *, durable: bool = False, private: bool = False) -> Iterator[BinaryIO]:
    """Open a draft beside `path` that takes its place when the block ends, or is removed when the block raises.

    The folder is made if it is missing. `durable`: the content is on the disk when the block has ended, so that a loss
    of power leaves it there. `private`: for this user alone, whatever the umask. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if private:
            draft.touch(mode=0o600)
        with draft.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
