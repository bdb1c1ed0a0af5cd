"""Procedures: what to do about an alert, step by step."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcedureStep:
    """A step of a procedure. `id` stays the same when the text is improved, so that ticked steps keep their tick."""

    id: str
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One `[[procedure]]` of a definition file."""

    id: str
    name: dict[str, str]
    steps: tuple[ProcedureStep, ...]
    basis: str = ""
