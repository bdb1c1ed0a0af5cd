"""The rows of a file as the file drop reads it."""

from pathlib import Path

from connectors.tables.reading import Line, TableFormat, rows_of_file


def lines_of(path: Path, columns: set[str]) -> list[Line]:
    chunks = rows_of_file(path.parent, Path(path.name), TableFormat(frozenset(columns)))
    return [line for chunk in chunks for line in chunk]
