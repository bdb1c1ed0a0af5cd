"""Faults of a running centre: each is a context that holds while the fault lasts."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.acceptance.hostile_inputs import FOREIGN, cut_tail, drop_bomb, flood, poison, send_compressed
from tests.acceptance.observer import UNREACHABLE
from tests.acceptance.scene import Scene
from tests.support.running_centre import wait_for

PARTS = ("broker", "worker", "connect", "lab", "serve", "supervisor")


@dataclass(frozen=True)
class Fault:
    """`shows` are words of the observer, one of which must be said within 10 s while it lasts. Without any, the flow
    may go on instead; that of `flow`, a source or the lab."""

    name: str
    begin: Callable[[Scene], AbstractContextManager[None]]
    shows: tuple[str, ...] = ()
    flow: str = "beat"


def _kill(part: str) -> Fault:
    @contextmanager
    def begin(scene: Scene) -> Iterator[None]:
        scene.centre.kill(part, scene.rng.randrange(2))
        yield

    return Fault(f"{part} is killed", begin, flow=_flow_of(part))


def _stop(part: str) -> Fault:
    @contextmanager
    def begin(scene: Scene) -> Iterator[None]:
        process = _process(scene, part)
        process.suspend()
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    shows = {
        "serve": (UNREACHABLE,),
        "broker": ("broker_away",),
        "connect": ("polled:unavailable", "files:unavailable"),
        "lab": ("lab_away",),
    }
    return Fault(f"{part} stands still", begin, shows.get(part, ()), _flow_of(part))


def _use_up_descriptors(part: str) -> Fault:
    @contextmanager
    def begin(scene: Scene) -> Iterator[None]:
        process = _process(scene, part)
        soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
        process.rlimit(psutil.RLIMIT_NOFILE, (_first_free(process), hard))
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))

    shows = ("descriptors_used_up", UNREACHABLE) if part == "serve" else ()
    return Fault(f"descriptors of {part} are used up", begin, shows, _flow_of(part))


def _first_free(process: psutil.Process) -> int:
    """The lowest descriptor that the process has free: a limit of so many lets it open nothing more."""
    used = {int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
    return next(number for number in range(len(used) + 1) if number not in used)


def _process(scene: Scene, part: str) -> psutil.Process:
    running = wait_for(f"a process of {part}", lambda: scene.centre.processes(part), 30)
    return running[scene.rng.randrange(len(running))]


def _flow_of(part: str) -> str:
    return {"connect": "polled", "lab": "lab"}.get(part, "beat")


@contextmanager
def _fill_disk(scene: Scene) -> Iterator[None]:
    """Take all room of the data directory's own file system."""
    filler = scene.centre.data_dir / "filler"
    try:
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        yield
    finally:
        filler.unlink()


def all_faults(scene: Scene) -> list[Fault]:
    """Every fault there is; those of the disk only where the data directory has a disk of its own."""
    faults = [make(part) for make in (_kill, _stop, _use_up_descriptors) for part in PARTS]
    faults += [
        Fault("the tail of the log is cut", cut_tail, ("log_cut",)),
        Fault("poison messages", poison, (f"rejected:{FOREIGN}",)),
        Fault("a compressed batch of each codec", send_compressed, flow=FOREIGN),
        Fault("a file bomb", drop_bomb, ("rejected:files",), "polled"),
        Fault("a flood of connections", flood),
    ]
    if scene.own_disk:
        faults.append(Fault("the disk is full", _fill_disk, ("disk_full",)))
    return faults


def of_a_minute(faults: list[Fault], rng: random.Random) -> list[Fault]:
    """All kills and single faults, and two parts that stand still or have no descriptors left.

    A cut of the log is left to the long run: a worker that gets as many messages as were cut before it looks cannot
    know of it without Kafka's leader epochs, which its client does not have; `ioc topics` mends that.
    """
    faults = [one for one in faults if "cut" not in one.name]
    slow = [one for one in faults if "stands still" in one.name or "descriptors" in one.name]
    certain = [one for one in slow if one.name == "descriptors of serve are used up"]
    chosen = certain + rng.sample([one for one in slow if one not in certain], 2)
    found = [one for one in faults if one not in slow] + chosen
    rng.shuffle(found)
    return found
