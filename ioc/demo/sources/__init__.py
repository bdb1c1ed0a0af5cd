"""Write the configurations of the demonstration's sources, as an administrator would for real systems.

They are the TOML files in this folder, with the addresses of the running systems in place of `@…@`, and one or two for
each profile (`ioc/demo/world/profiles/`).
"""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from ioc.atomic_file import write_atomically
from ioc.demo.addresses import Addresses
from ioc.demo.sources.profiled import source_texts
from ioc.demo.world.profile_files import profiles

MARK = "# Written by the demonstration at its start. Remove this line to keep changes of your own.\n"


def write_sources(folder: Path, at: Addresses, province: str) -> list[str]:
    """Write missing files, and update those that still have the mark; return the names of the files written.

    Files without the mark are left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source, text in _texts(at, province):
        text = MARK + text
        path = folder / f"{source}.toml"
        present = path.read_text(encoding="utf-8") if path.exists() else MARK
        if not present.startswith(MARK) or present == text:
            continue
        write_atomically(path, text)
        written.append(path.name)
    return written


def _texts(at: Addresses, province: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of every source."""
    for template in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if template.name.endswith(".toml"):
            yield template.name.removesuffix(".toml"), _filled(template.read_text(encoding="utf-8"), at)
    for profile in profiles():
        yield from source_texts(profile.within(province), at)


def _filled(text: str, at: Addresses) -> str:
    return text.replace("@rest@", at.rest).replace("@mqtt_port@", str(at.mqtt_port))
