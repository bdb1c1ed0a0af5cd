"""`python -m ioc.parts WORKERS`."""

import sys
from importlib import import_module

from ioc.lean import keep_pandas_out
from ioc.private_files import keep_new_files_private
from ioc.process_limits import raise_descriptor_limit

keep_pandas_out()  # before anything is imported that would load it
raise_descriptor_limit()
keep_new_files_private()
import_module("ioc.parts.forking").main(int(sys.argv[1]))
