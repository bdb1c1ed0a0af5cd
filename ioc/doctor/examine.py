"""Run all examinations of a centre."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ioc.doctor import files, running
from ioc.doctor.findings import Finding, FindingLevel
from ioc.settings import Settings

_ORDER = (FindingLevel.BAD, FindingLevel.NOTE, FindingLevel.GOOD)


def examine(
    settings: Settings, now: datetime, check_definitions: files.CheckDefinitions, read_source: Callable[[Path], object]
) -> list[Finding]:
    """Return all findings, the worst first; takes some seconds when something does not answer, and changes nothing.

    `check_definitions` raises CatalogInvalid, `read_source` ConfigurationInvalid for a faulty file.
    """
    found = list(running.server(settings, running.asker(settings)))
    is_running = any(finding.code == "server_answers" for finding in found)
    if is_running:
        found += running.lab(settings)
    found += running.broker(settings)
    found += files.definitions(check_definitions)
    found += files.source_files(settings.sources_dir, read_source)
    found += files.modes(settings)
    found += files.people(settings.people_path)
    found += files.store(settings)
    found += files.disk(settings.data_dir)
    found += files.snapshot(settings, now, is_running=is_running)
    found += files.archive(settings.archive_dir)
    return sorted(found, key=lambda finding: _ORDER.index(finding.level))
