"""Run the models of statsforecast in a short-lived process: it brings pandas and SciPy (some 230 MB).

Reads one JSON line, `{"series": [[…], …], "ahead": n, "season": m}`, and answers with one: for each model and series
`{"mean": […], "deviation": […]}`. The last model is the baseline that others must beat.
"""

import json
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ioc.errors import IocError
from ioc.explorer.backtest import StepForecast, Z
from ioc.messages import Message

MODELS = ("AutoETS", "MSTL", "SeasonalNaive")
BASELINE = MODELS[-1]
_LONGEST_S = 90.0


class ForecastFailed(IocError):
    """The models' process failed or took too long; the text says which."""


def forecasts(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
    """Return each model's forecast of each series, the given number of steps ahead.

    Series have no gaps. Raises ForecastFailed.
    """
    asked = json.dumps({"series": [list(one) for one in series], "ahead": list(ahead), "season": season})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ioc.explorer.models"],
            input=asked,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ForecastFailed(Message("forecast_too_slow", seconds=_LONGEST_S)) from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
        raise ForecastFailed(Message("forecast_failed", detail=last[:300]))
    answer = json.loads(done.stdout.splitlines()[-1])
    return {
        model: [StepForecast(np.array(one["mean"]), np.array(one["deviation"])) for one in coming]
        for model, coming in answer.items()
    }


def _answer(asked: str) -> str:
    from statsforecast.models import MSTL, AutoETS, SeasonalNaive

    given = json.loads(asked)
    season = given["season"]
    made: dict[str, Any] = {
        # ETS handles seasons of up to 24 steps; for longer seasons, as without one, it models level and trend.
        "AutoETS": AutoETS(season_length=season, model="AZA") if 1 < season <= 24 else AutoETS(1, "AZN"),
        **({"MSTL": MSTL(season_length=season)} if season > 1 else {}),
        "SeasonalNaive": SeasonalNaive(season_length=season),
    }
    found: dict[str, list[dict[str, list[float]]]] = {}
    for name, model in made.items():
        found[name] = []
        for values, ahead in zip(given["series"], given["ahead"], strict=True):
            told = model.forecast(y=np.array(values, np.float64), h=ahead, level=[80])
            deviation = (np.asarray(told["hi-80"]) - np.asarray(told["lo-80"])) / (2 * Z)
            found[name].append({"mean": np.asarray(told["mean"]).tolist(), "deviation": deviation.tolist()})
    return json.dumps(found)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(_answer(sys.stdin.readline()))
