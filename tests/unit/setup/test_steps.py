"""A set-up step is done once for its inputs, tells one line, and a failing tool is shown with one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from setup import environment, steps
from setup.jars import JarsDiffer, LockedJar, checksum, read_lock, verify
from setup.steps import SetupFailed, Step, call, is_done, perform, perform_side_by_side


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout of its own."""
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "BUILD", tmp_path / ".build")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.ts").write_text("1")
    (tmp_path / "source" / "b.ts").write_text("2")
    return tmp_path


def copying(checkout: Path) -> Step:
    def run(_log: Path) -> None:
        (checkout / "made").write_text((checkout / "source" / "a.ts").read_text())

    return Step(name="copy", title="Copy", run=run, inputs=(checkout / "source",), outputs=(checkout / "made",))


def test_a_step_runs_once(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    perform([copying(checkout)])
    perform([copying(checkout)])
    assert capsys.readouterr().out == "  Copy …\n  Copy: done in 0 s\n"


@pytest.mark.parametrize(
    ("change", "again"),
    [
        pytest.param(lambda c: (c / "source" / "a.ts").write_text("other"), True, id="an input changed"),
        pytest.param(lambda c: (c / "source" / "c.ts").write_text("3"), True, id="an input came"),
        pytest.param(lambda c: (c / "source" / "b.ts").unlink(), True, id="an input went"),
        pytest.param(lambda c: (c / "source" / "b.ts").rename(c / "source" / "d.ts"), True, id="an input was renamed"),
        pytest.param(lambda c: (c / "made").unlink(), True, id="the output went"),
        pytest.param(lambda c: (c / "source" / "a.ts").touch(), False, id="only a time stamp changed"),
        pytest.param(lambda c: (c / "beside").write_text("x"), False, id="a file that is no input"),
        pytest.param(
            lambda c: ((c / "source/node_modules").mkdir(), (c / "source/node_modules/x").write_text("")),
            False,
            id="what npm itself installs is no input",
        ),
    ],
)
def test_a_step_runs_again_only_when_needed(checkout: Path, change: Callable[[Path], object], again: bool) -> None:
    step = copying(checkout)
    perform([step])
    change(checkout)
    assert is_done(step) is not again


def test_a_failed_step_is_not_done_and_stops_what_follows(checkout: Path) -> None:
    def fails(log: Path) -> None:
        call(["sh", "-c", "echo the disk is full; exit 3"], log, failure="nothing was copied", cwd=checkout)

    failing = Step(name="fails", title="Fails", run=fails, inputs=(), outputs=())
    with pytest.raises(SetupFailed) as failure:
        perform([failing, copying(checkout)])
    told = "nothing was copied (all of it in .build/log/fails.log):\n    the disk is full"
    assert str(failure.value) == told
    assert not is_done(failing)
    assert not (checkout / "made").exists()


def test_a_missing_tool_is_a_failure_with_a_sentence(checkout: Path) -> None:
    log = checkout / "log"
    with pytest.raises(SetupFailed, match="no such tool was run"):
        call(["a-tool-that-is-nowhere"], log, failure="no such tool was run", cwd=checkout)


def test_a_failure_in_one_lane_is_raised_after_the_others_ended(checkout: Path) -> None:
    def fails(_log: Path) -> None:
        raise SetupFailed("the first lane failed")

    failing = Step(name="fails", title="Fails", run=fails, inputs=(), outputs=())
    with pytest.raises(SetupFailed, match="the first lane failed"):
        perform_side_by_side([[failing], [copying(checkout)]])
    assert (checkout / "made").exists()


def test_no_suitable_python_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "INTERPRETERS", ("a-python-that-is-nowhere",))
    with pytest.raises(SetupFailed, match=r"no Python 3\.11 or newer was found"):
        environment.suitable_interpreter()


def locked(folder: Path) -> LockedJar:
    (folder / "kafka-clients-4.3.1.jar").write_bytes(b"jar")
    return LockedJar("org.apache.kafka", "kafka-clients", "4.3.1", checksum(folder / "kafka-clients-4.3.1.jar"))


def test_the_lock_reads_back_what_was_written(checkout: Path) -> None:
    jar = locked(checkout)
    assert read_lock(f"{jar}\n") == [jar]
    verify([jar], checkout)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda file: file.write_bytes(b"other"), "has checksum", id="another content"),
        pytest.param(lambda file: file.unlink(), "is missing", id="missing"),
    ],
)
def test_a_jar_that_differs_is_named(checkout: Path, spoil: Callable[[Path], object], said: str) -> None:
    jar = locked(checkout)
    spoil(checkout / jar.file_name)
    with pytest.raises(JarsDiffer, match=said):
        verify([jar], checkout)


@pytest.mark.parametrize("line", ["kafka-clients 4.3.1", "a:b:c tooshort", "a:b " + "0" * 64])
def test_a_broken_lock_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        read_lock(line)
