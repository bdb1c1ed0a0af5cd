"""A Docker engine of the test's own: started on a socket in a folder, ended by its process id."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

PROGRAMS = ("dockerd", "docker", "docker-compose", "debootstrap", "iptables")
STARTS_WITHIN_S = 60.0


def missing() -> str:
    """Return why no engine can be started here, or an empty text."""
    if os.geteuid() != 0:
        return "starting a Docker engine needs root"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"not installed: {', '.join(absent)} (apt install docker.io docker-compose debootstrap)" if absent else ""


class Engine:
    """Run `docker` and `docker-compose` against one engine. Images stay in `folder`, so a second run starts sooner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self._socket}", "DOCKER_BUILDKIT": "0"}

    def __enter__(self) -> Engine:
        self._folder.mkdir(parents=True, exist_ok=True)
        command = ["dockerd", "--storage-driver", "overlay2", "--host", f"unix://{self._socket}"]
        command += ["--data-root", str(self._folder / "data"), "--exec-root", str(self._folder / "exec")]
        command += ["--pidfile", str(self._folder / "dockerd.pid")]
        with (self._folder / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while self._run(["docker", "version"], check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"dockerd did not start; see {self._folder / 'dockerd.log'}")
            time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
        namespace = self._folder / "exec" / "netns" / "default"  # dockerd leaves it mounted
        subprocess.run(["umount", str(namespace)], capture_output=True, check=False)

    def docker(self, *arguments: str, timeout_s: float = 900.0) -> str:
        """Return the output. Raises CalledProcessError with the tool's own words in `stderr`."""
        return self._run(["docker", *arguments], timeout_s=timeout_s).stdout

    def compose(self, *arguments: str, variables: Mapping[str, str], cwd: Path, timeout_s: float = 300.0) -> str:
        """Return the output of docker-compose in the folder `cwd`. Raises CalledProcessError."""
        command = ["docker-compose", "--project-name", "ioctest", *arguments]
        return self._run(command, variables=variables, cwd=cwd, timeout_s=timeout_s).stdout

    def has_image(self, name: str) -> bool:
        return bool(self.docker("images", "--quiet", name).strip())

    def _run(
        self,
        command: list[str],
        *,
        check: bool = True,
        variables: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_s: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env={**self.environment, **(variables or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode != 0:
            told = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            raise RuntimeError(told)
        return done
