"""Read the tables that agencies hand over: CSV in several encodings, and workbooks.

This package imports little, since a process is started to read each file.
"""
