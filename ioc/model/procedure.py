"""A procedure: what to do about an alert, step by step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`id` stays when the text is bettered, so that ticks keep their step."""

    id: str
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One `[[procedure]]` of a pack."""

    id: str
    name: dict[str, str]
    steps: tuple[Step, ...]
    basis: str = ""
