"""Configurations of the demonstration's sources, as an administrator would write them for true systems."""

from pathlib import Path

from ioc.demo.addresses import Addresses


def write_sources(folder: Path, at: Addresses) -> None:
    folder.mkdir(parents=True, exist_ok=True)
