"""Tables as agencies hand them over: CSV in its encodings, workbooks.

Imports little, since a process is started to read them.
"""
