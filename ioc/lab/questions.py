"""Ready-made questions to start from (questions.toml), in both languages."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def questions() -> list[dict[str, Any]]:
    """Return the questions, each with id, title, why, sql, parameters (initial values) and chart."""
    content = tomllib.loads(files("ioc.lab").joinpath("questions.toml").read_text(encoding="utf-8"))
    return [
        {
            "id": one["id"],
            "title": one["title"],
            "why": one["why"],
            "sql": one["sql"].strip() + "\n",
            "parameters": {name: str(value) for name, value in one.get("parameters", {}).items()},
            "chart": one.get("chart"),
        }
        for one in content["question"]
    ]
