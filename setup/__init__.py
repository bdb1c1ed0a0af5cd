"""Set-up of a checkout: what `make up` and `make test` run before anything else.

Standard library only: it runs before the virtual environment exists.
"""
