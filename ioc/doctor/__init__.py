"""Examine a centre from outside (processes, files, topics, disk, snapshot, archive) and say what to do."""

from ioc.doctor.examine import examine
from ioc.doctor.findings import LEVELS, Finding, FindingLevel

__all__ = ["LEVELS", "Finding", "FindingLevel", "examine"]
