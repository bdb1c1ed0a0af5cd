"""Write the OpenAPI document of centre and lab to standard output, without a running centre.

.venv/bin/python -m tools.openapi > openapi.json
"""

import sys

import orjson

from ioc.api.app import describe
from ioc.lab.app import describe as describe_lab

if __name__ == "__main__":
    document = describe(describe_lab)
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
