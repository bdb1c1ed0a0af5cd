"""DuckDB's remote protocol (Quack): an analyst's own `duckdb` attaches the lab.

The proxy (`proxy.py`) accepts connections, authenticates tokens and passes messages to one server process per person,
which is reachable only through it. A person's queries can exhaust the processor, memory or process of that person only.
"""
