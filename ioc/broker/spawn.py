"""Start a process that ends when this one ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

from ioc.broker import bound


def spawn_bound(command: list[str], output: Path, held: int) -> subprocess.Popen[bytes]:
    """Run `command` with its output in the file `output`; it is killed when this process ends, in whatever way.

    It leads a session of its own, so a Ctrl-C at the terminal does not reach it. It inherits the file descriptor
    `held`, and with it a lock that the caller has on that file. Raises OSError.
    """
    made: Future[subprocess.Popen[bytes]] = Future()

    # The kernel binds a child to the thread that started it, and callers may be short-lived threads of a pool. So each
    # child gets a thread of its own that stays until the child ends.
    def start_and_stay() -> None:
        try:
            with output.open("wb") as file:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", bound.__file__, str(os.getpid()), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(held,),
                )
        except OSError as error:
            made.set_exception(error)
            return
        made.set_result(process)
        process.wait()

    threading.Thread(target=start_and_stay, name=f"holds {command[0]}", daemon=True).start()
    return made.result()
