"""Configurations of the demonstration's sources, as an administrator would write them for true systems.

The TOML files beside this one are what is written, with the addresses of the running systems put in for `@…@`.
"""

from importlib.resources import files
from pathlib import Path

from ioc.demo.addresses import Addresses

MARK = "# Written by the demonstration at its start. Remove this line to keep changes of your own.\n"


def write_sources(folder: Path, at: Addresses) -> list[str]:
    """Write what is missing, and anew what still bears the mark and differs (the ports have changed); the names of
    the files written. Files without the mark are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for template in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if not template.name.endswith(".toml"):
            continue
        text = MARK + _filled(template.read_text(encoding="utf-8"), at)
        path = folder / template.name
        present = path.read_text(encoding="utf-8") if path.exists() else MARK
        if not present.startswith(MARK) or present == text:
            continue
        draft = path.with_name(f".{path.name}.part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
        written.append(path.name)
    return written


def _filled(text: str, at: Addresses) -> str:
    return text.replace("@rest@", at.rest).replace("@mqtt_port@", str(at.mqtt_port))
