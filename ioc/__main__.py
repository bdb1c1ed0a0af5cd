"""`python -m ioc`: the command line."""

from ioc.cli import main

main()
