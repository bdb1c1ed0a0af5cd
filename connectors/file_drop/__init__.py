"""File drop: agencies put CSV and Excel files into a folder."""

from connectors.file_drop.connector import FileDrop

__all__ = ["FileDrop"]
