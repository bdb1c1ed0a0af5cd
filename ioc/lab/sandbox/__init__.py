"""Processes that run analysts' SQL, confined by DuckDB's own settings and by the operating system."""
