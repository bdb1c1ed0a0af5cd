"""Record which steps of a procedure are done, by whom, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.alerts.refusals import ActRefused
from ioc.messages import Message
from ioc.model.procedure import Procedure


@dataclass(frozen=True, slots=True)
class CompletedStep:
    """Who did a step, and when."""

    by: str
    at_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class FollowedProcedure:
    """A procedure in the version in which it was started, so that a later version does not change what was done.

    `ticks` are the completed steps by the id of the step.
    """

    procedure: Procedure
    ticks: Mapping[str, CompletedStep] = field(default_factory=dict)

    @property
    def progress(self) -> tuple[int, int]:
        """Number of steps done, and of all steps."""
        return len(self.ticks), len(self.procedure.steps)


def complete_step(following: FollowedProcedure, step: str, tick: CompletedStep) -> FollowedProcedure:
    """Record a step as done. Raises ActRefused for a step that is unknown or done already."""
    if all(one.id != step for one in following.procedure.steps):
        name = following.procedure.id
        raise ActRefused("step", Message("no_step", procedure=name, given=step))
    done = following.ticks.get(step)
    if done is not None:
        raise ActRefused("step", Message("step_done", by=done.by))
    return FollowedProcedure(following.procedure, {**following.ticks, step: tick})


def reopen_step(following: FollowedProcedure, step: str) -> FollowedProcedure:
    """Record a step as not done after all. Raises ActRefused for a step that is not done."""
    if step not in following.ticks:
        raise ActRefused("step", Message("step_open"))
    return FollowedProcedure(
        following.procedure, {name: tick for name, tick in following.ticks.items() if name != step}
    )
