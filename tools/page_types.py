"""Write the types of the API's answers for the pages: `python -m tools.page_types`.

They are made by openapi-typescript from the schemas of `/openapi.json`, and are committed, so that the pages are built
and checked without Python. A test compares them with the API.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ioc.api.app import describe
from ioc.lab.app import describe as describe_lab

UI = Path(__file__).parents[1] / "ui"
TYPES = UI / "src" / "lib" / "api" / "schema.d.ts"
_OPTIONS = ("--alphabetize", "--root-types", "--root-types-no-schema-prefix")


def page_types() -> str:
    """Return the TypeScript source. Raises CalledProcessError when openapi-typescript fails."""
    document = describe(describe_lab)
    schemas = without_titles(document["components"]["schemas"])
    shapes = {**document, "paths": {}, "components": {"schemas": schemas}}
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "openapi.json"), Path(folder, "schema.d.ts")
        source.write_text(json.dumps(shapes), encoding="utf-8")
        program = UI / "node_modules" / ".bin" / "openapi-typescript"
        subprocess.run([program, source, "--output", made, *_OPTIONS], cwd=UI, check=True, capture_output=True)
        return made.read_text(encoding="utf-8")


def without_titles(schema: Any) -> Any:
    """Return the schema without the titles that only repeat the names of fields."""
    if isinstance(schema, list):
        return [without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_titles(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}


if __name__ == "__main__":
    TYPES.write_text(page_types(), encoding="utf-8")
