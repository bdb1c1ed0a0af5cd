"""An evaluation centre with data, and a reader of its panes."""

from dataclasses import dataclass

from ioc.catalog import Catalog
from ioc.evaluation.pane_reader import PaneReader
from tests.support.evaluation_centre import PROVINCE, EvaluationCentre


@dataclass
class FilledCentre:
    centre: EvaluationCentre
    reader: PaneReader

    @property
    def catalog(self) -> Catalog:
        return self.centre.catalog

    @property
    def units(self) -> list[str]:
        """The province and those that have data."""
        return [PROVINCE, *self.centre.communes[:4]]
