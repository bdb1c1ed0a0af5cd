"""DuckDB's remote protocol, Quack: an analyst's own `duckdb` attaches the lab.

A front (`front.py`) takes the connections, asks the accounts who stands behind a token, and passes messages on to
processes (`process.py`), one a person, which nobody reaches but through it. What a person's queries do there, to the
processor, the memory or the process, is that person's alone.
"""
