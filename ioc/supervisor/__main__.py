"""`python -m ioc.supervisor WORKERS`: the launcher, which `ioc up` starts."""

import sys
from importlib import import_module

from ioc.private_files import keep_new_files_private
from ioc.supervisor.no_pandas import keep_pandas_out
from ioc.supervisor.resource_limits import raise_descriptor_limit

keep_pandas_out()  # before anything that would import it
raise_descriptor_limit()
keep_new_files_private()
import_module("ioc.supervisor.launcher").main(int(sys.argv[1]))
