"""A year of back history, so that the wall has months to speak of at the first start."""

from ioc.demo.history.load import HistoryWriter, load

__all__ = ["HistoryWriter", "load"]
