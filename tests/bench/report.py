"""Tables of figures for the terminal."""

from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *cells: str) -> None:
        self.rows.append(cells)

    def print(self) -> None:
        widths = [max(len(row[i]) for row in [self.heads, *self.rows]) for i in range(len(self.heads))]
        print(f"\n{self.title}")
        for row in [self.heads, *self.rows]:
            print(
                "  "
                + "  ".join(
                    c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
                )
            )


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0-1) of the values lie; nan without values."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")
