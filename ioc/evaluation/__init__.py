"""Compute KPI values from panes and cases: continuously, and for any time of the past."""

from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluator import Evaluator
from ioc.evaluation.history import Point

__all__ = ["Changes", "Evaluator", "Point"]
