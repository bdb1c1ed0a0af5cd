"""A kind of connector is a folder with a manifest; nothing else lists the kinds."""

import re
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.registry import KINDS, PULLED, PUSHED, Direction, read_manifest
from ioc.errors import ConfigurationInvalid
from ioc.model.source import Liveness

ROOT = Path(__file__).parents[3]
MANIFEST = """
name = { vi = "Thử", en = "Trial" }
class = "Trial"
table = "trial"
direction = "pull"
liveness = "answer"
"""


def test_each_folder_with_a_manifest_is_a_kind() -> None:
    folders = {path.parent.name for path in ROOT.glob("connectors/*/manifest.toml")}
    assert set(KINDS) == folders == {*PULLED, *PUSHED}
    assert not set(PULLED) & set(PUSHED)
    assert len({kind.table for kind in KINDS.values()}) == len(KINDS), "each kind has a table of its own"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_its_class_and_a_conformance_suite(kind: str) -> None:
    assert issubclass(KINDS[kind].load_class(), Connector)
    systems = (ROOT / "tests/integration/connectors/systems.py").read_text(encoding="utf-8")
    assert f'kind = "{kind}"' in systems, "tests/integration/connectors/systems.py has no system of this kind"


def test_only_the_manifests_name_the_kinds() -> None:
    """The exception is the decoder of states that an earlier version has published."""
    names = re.compile("|".join(f'"{kind}"' for kind in KINDS if kind != "mqtt"))
    files = [*ROOT.glob("connectors/*.py"), *ROOT.glob("ioc/[!d]*/**/*.py")]
    named = {path.relative_to(ROOT).as_posix() for path in files if names.search(path.read_text(encoding="utf-8"))}
    assert named == {"ioc/wire/source_states.py"}


def write(folder: Path, text: str) -> Path:
    (folder / "trial").mkdir()
    path = folder / "trial" / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_manifest_says(tmp_path: Path) -> None:
    kind = read_manifest(write(tmp_path, MANIFEST))
    assert (kind.id, kind.class_name, kind.table) == ("trial", "Trial", "trial")
    assert (kind.direction, kind.liveness) == (Direction.PULL, Liveness.ANSWER)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            MANIFEST.replace('"pull"', '"both"'), "direction: 'both' is not one of pull, push", id="direction"
        ),
        pytest.param(MANIFEST.replace('"answer"', '"pulse"'), "liveness: 'pulse' is not one of", id="liveness"),
        pytest.param(MANIFEST.replace('class = "Trial"', ""), "class is missing", id="no class"),
        pytest.param(MANIFEST + "colour = 1", "colour: There is no field 'colour'", id="unknown field"),
        pytest.param("name = ", "This is not TOML", id="not TOML"),
    ],
)
def test_a_faulty_manifest_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        read_manifest(write(tmp_path, text))
    assert sentence in str(refused.value)
