"""Processes that run what analysts write: confined by DuckDB's own settings and, beneath them, by the system."""
