"""`python -m ioc.parts WORKERS`."""

import sys

from ioc.parts.forking import main

main(int(sys.argv[1]))
