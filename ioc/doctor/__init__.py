"""Examine a centre from outside: every process, file, topic, disk, snapshot and archive, with what to do."""

from ioc.doctor.examine import examine
from ioc.doctor.findings import LEVELS, Finding, Level

__all__ = ["LEVELS", "Finding", "Level", "examine"]
