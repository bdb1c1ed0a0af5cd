"""5,040 alerts within a minute, of 30 rules in 168 communes: each second holds, screens follow, few messages go out."""

import time
from pathlib import Path

import pytest

from tests.support.alert_storm import RULES, Screen, StormCentre

STEPS = 12


@pytest.mark.soak
def test_a_storm_stays_within_its_second_and_is_told_in_groups(tmp_path: Path) -> None:
    centre = StormCentre(tmp_path)
    total = len(centre.places)
    assert total >= 5000
    centre.pass_on(1, centre.places, value=1.0)
    with centre.served() as port:
        screen = Screen(port)
        costs = [centre.pass_on(60 / STEPS, centre.places[step::STEPS]) for step in range(STEPS)]
        assert screen.await_rows(lambda rows: len(rows) == total), len(screen.rows)
        assert max(costs) < 1.0, f"an evaluation with its tick took {max(costs):.2f} s of processor time"
        assert {row["state"] for row in screen.rows.values()} == {"firing"}

        flood = centre.ask(port, "GET", "alerts/flood")
        assert (flood["flood"], flood["alerts"], len(flood["causes"])) == (True, total, RULES)
        assert {len(cause["units"]) for cause in flood["causes"]} == {total // RULES}

        for _ in range(6):
            centre.pass_on(60)
        sent = centre.service.store.select("SELECT count(*) AS n, sum(len(alerts)) AS told FROM deliveries")[0]
        assert sent["told"] == total, "each alert was told"
        assert RULES <= sent["n"] <= 2 * RULES, "in a message a rule, and one for what came after the first"

        listed = centre.ask(port, "GET", "alerts?handling=unacknowledged&state=firing")["alerts"]
        names = [one["id"] for one in listed]
        began = time.process_time()
        for start in range(0, total, 5000):
            centre.ask(port, "POST", "alerts/acknowledge", {"alerts": names[start : start + 5000], "note": "bão"})
        assert time.process_time() - began < 20
        assert screen.await_rows(lambda rows: {row["handling"] for row in rows.values()} == {"acknowledged"})
        assert centre.ask(port, "GET", "alerts")["counts"]["unacknowledged"] == 0
        screen.close()
    centre.store.close()
