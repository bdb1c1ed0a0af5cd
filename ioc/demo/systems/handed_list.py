"""Drop once a list of communes before the 2025 reform, an excerpt from the General Statistics Office.

`gso-communes-excerpt.csv` is from nguyenquang2302/vietnam-data, raw/database/vietnam-zone.xls (first 60 rows, written
as CSV), commit d7f32426f6a26d3a885088c1d9e457c5a323cc30, MIT licence.
"""

from importlib.resources import files
from pathlib import Path

from ioc.demo.state import FeedProgress
from ioc.demo.systems.document_exchange import drop

SAMPLE = "gso-communes-excerpt.csv"


def drop_once(folder: Path, progress: FeedProgress, began_at_ms: int, now_ms: int) -> None:
    """Drop the list at the first start only. Raises FeedBlocked."""
    if progress.until_ms(SAMPLE) > began_at_ms:
        return
    drop(folder, SAMPLE, files("ioc.demo.systems").joinpath(SAMPLE).read_bytes())
    progress.settle(SAMPLE, max(now_ms, began_at_ms + 1))
