"""A lab that hangs or is missing is reported; one that answers is not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ioc.clock import SystemClock
from ioc.lab_socket import lab_answers
from ioc.server import lab_watch
from ioc.server.lab_watch import LabWatch
from tests.support.running_centre import wait_for


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(tmp_path / "lab.sock"))
        listening.listen()
        yield listening


def answer_each(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection, suppress(BrokenPipeError):
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")


def test_a_lab_that_takes_connections_but_stands_still_is_a_notice_until_it_answers(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_watch, "ANSWERS_WITHIN_S", 0.05)
    watch = LabWatch(tmp_path / "lab.sock", tmp_path / "lab.log", SystemClock())
    watch.start()
    try:
        [notice] = wait_for("the notice", watch.notices)
        assert notice.code == "lab_away"
        assert str(tmp_path / "lab.log") in notice.detail
        threading.Thread(target=answer_each, args=(listener,), daemon=True).start()
        wait_for("no notice", lambda: not watch.notices())
    finally:
        watch.stop()


def test_nobody_at_the_socket(tmp_path: Path) -> None:
    assert not lab_answers(tmp_path / "lab.sock", 0.05)
