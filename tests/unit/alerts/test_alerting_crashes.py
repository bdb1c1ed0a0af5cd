"""Engine, suppression and notifications together: 10,000 condition changes with repeated kills."""

import random
from dataclasses import dataclass, field

import pytest

from ioc.alerts.engine import Saved, restore, save, tick
from ioc.alerts.grouping import Delivery, Outbox
from ioc.alerts.handling import HandlingState
from ioc.alerts.notification_plan import plan_deliveries
from ioc.alerts.records import from_record, to_record
from ioc.alerts.states import EngineState
from ioc.alerts.suppression import SuppressionIndex, build_alerts
from ioc.catalog.routing import load_routing
from ioc.model.alert import Transition, TransitionKind
from ioc.model.rule import Limits, Threshold
from ioc.model.unit import UnitLevel
from tests.support.alert_examples import ZONE, inputs, rule, rule_arrays, weekday

COMMUNES, TICKS = 20, 700
RULES = [
    rule(Threshold("k", Limits(fires_above=6)), rule_id="a", at=UnitLevel.COMMUNE),
    rule(Threshold("k", Limits(fires_above=7, clears_below=5)), rule_id="b", held=1, at=UnitLevel.COMMUNE),
    rule(Threshold("k", Limits(fires_below=3)), rule_id="c", keep=2, at=UnitLevel.COMMUNE),
]


@dataclass
class Written:
    """What outlasts a crash, written whole or not at all: state, outbox, and what was told so far."""

    saved: Saved = field(default_factory=lambda: Saved(0, ()))
    outbox: Outbox = field(default_factory=Outbox)
    transitions: list[Transition] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)


@pytest.fixture(scope="module")
def written() -> Written:
    """Every 35th tick is computed, lost before it is written, and computed again from what was written before."""
    arrays = rule_arrays(RULES, COMMUNES)
    codes = tuple(arrays.units[1:])
    watch, routing = SuppressionIndex.of(arrays, [], []), load_routing().routing
    noise, kept = random.Random(1), Written()
    state = EngineState.fresh(arrays)
    for minute in range(TICKS):
        values = [noise.choice([*map(float, range(11)), None]) for _ in codes]
        told = inputs(minute, {"k": list(values)}, codes)
        for is_lost in [True, False] if minute % 35 == 0 else [False]:
            done = tick(arrays, state, told)
            shown = build_alerts(watch, done.state, done.results, HandlingState(), weekday)
            planned = plan_deliveries(routing, kept.outbox, shown, done.transitions, told.now_ms, ZONE)
            if is_lost:
                kept.saved = from_record(Saved, to_record(kept.saved))
                kept.outbox = from_record(Outbox, to_record(kept.outbox))
                state, _ = restore(arrays, kept.saved)
                continue
            state, kept.saved, kept.outbox = done.state, save(arrays, done.state), planned.outbox
            kept.transitions += done.transitions
            kept.deliveries += planned.deliveries
    return kept


def test_ten_thousand_changes_and_twenty_kills(written: Written) -> None:
    assert len(written.transitions) > 10_000
    assert len({one.id for one in written.transitions}) == len(written.transitions)
    assert len({one.id for one in written.deliveries}) == len(written.deliveries)
    told = [one.id for delivery in written.deliveries for one in delivery.transitions]
    assert len(told) == len(set(told))
    members = [member for group in written.outbox.groups.values() for member in group.members.values()]
    waiting = {one.id for member in members for one in member.waiting}
    kinds = [TransitionKind.FIRING, TransitionKind.RESOLVED]
    assert {one.id for one in written.transitions if one.kind in kinds} == set(told) | waiting
    lives: dict[str, list[TransitionKind]] = {}
    for delivery in written.deliveries:
        for one in delivery.transitions:
            lives.setdefault(one.alert, []).append(one.kind)
    assert all(life == kinds[: len(life)] for life in lives.values())


def test_a_lane_is_in_order(written: Written) -> None:
    lanes: dict[str, list[tuple[int, int]]] = {}
    for one in written.deliveries:
        lanes.setdefault(one.lane, []).append(one.order)
    assert lanes
    assert all(order == sorted(set(order)) for order in lanes.values())
