"""Explain in one sentence why a broker did not start, from the last lines it wrote."""

from __future__ import annotations

import re
from pathlib import Path

# The first match counts; the patterns are Kafka's own words.
_CAUSES = [
    (r"Failed to acquire lock", "another broker is using {data}; stop it first"),
    (r"No space left on device", "the disk of {data} is full; make room and start again"),
    (r"Address already in use", "its port was taken by another program meanwhile; start again"),
    (r"OutOfMemoryError|Could not reserve enough space", "it ran out of memory; give the machine more"),
    (
        r"meta\.properties|InconsistentClusterId|metadata\.version|feature level|[Uu]nsupported version|UnknownMagic"
        r"|CorruptRecord|[Cc]orrupt|SnapshotFormat|Invalid .*record|metadata log",
        "the data in {data} is damaged or of another Kafka version; move that folder away to start with an empty one",
    ),
    (r"AccessDenied|Permission denied", "it may not write to {data}; give this user the rights"),
]
_ERROR_LINE = re.compile(r"ERROR|FATAL|Exception|Error")


def last_lines(text: str, count: int = 5) -> list[str]:
    """Return the last lines about errors, else the last lines; stack frames are left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("\tat ", "\t..."))]
    return ([line for line in lines if _ERROR_LINE.search(line)] or lines)[-count:]


def explain(output: str, data: Path) -> str:
    """Return one sentence for the person who starts the broker, then the lines it is based on, indented."""
    lines = last_lines(output)
    text = "\n".join(lines)
    unknown = "it ended while starting" if lines else "it ended without any output"
    cause = next((cause for pattern, cause in _CAUSES if re.search(pattern, text)), unknown)
    sentence = f"the embedded broker did not start: {cause.format(data=data)}"
    return sentence + "".join(f"\n  {line}" for line in lines)
