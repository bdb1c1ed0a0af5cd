"""Alert rules, their versions and backtests as JSON."""

from typing import Any

from typing_extensions import TypedDict

from ioc.alert_service import routing_store
from ioc.alert_service.rule_store import rule_text
from ioc.alert_service.service import AlertService
from ioc.alerts.backtest import Backtest, Comparison, Firing
from ioc.alerts.records import to_record
from ioc.alerts.rule_arrays import units_of
from ioc.alerts.versions import RuleVersion, difference
from ioc.api.schemas.problems import ErrorShape
from ioc.clock import from_ms, rfc3339
from ioc.model.rule import Rule

MAX_FIRINGS = 500


class OutOfServiceShape(TypedDict):
    """Until when a rule is out of service, who took it out, and why."""

    until: str
    by: str
    why: str


class RuleShape(TypedDict):
    """A rule in force.

    `fields` is the definition as data, `text` the same as TOML. `revision` names this state of the rule; a change sends
    it back. `units` and `firing` are counts.
    """

    id: str
    name: dict[str, str]
    sector: str
    kpi: str
    severity: str
    owner: str
    procedure: str
    version: str
    revision: str
    fields: dict[str, Any]
    text: str
    units: int
    firing: int
    out_of_service: OutOfServiceShape | None


class RecipientShape(TypedDict):
    """Who would be notified `after` so many seconds: a channel, and the person on duty (empty for a fixed channel)."""

    route: str
    receiver: str
    channel: str
    person: str
    after: float
    is_escalation: bool


class RuleDetailShape(RuleShape):
    """A rule, and who would be notified (`told`) if it fired now in its first unit."""

    told: list[RecipientShape]


class ProcedureStepShape(TypedDict):
    """A step of a procedure, by language."""

    id: str
    text: dict[str, str]


class ProcedureShape(TypedDict):
    """What to do about an alert, step by step."""

    id: str
    name: dict[str, str]
    steps: list[ProcedureStepShape]
    basis: str


class OwnFigureShape(TypedDict):
    """A figure of the centre itself that rules may use."""

    id: str
    name: dict[str, str]
    unit_of_measure: str
    digits: int


class DefinitionFaultShape(TypedDict):
    """A fault of a definition; `code` and `given` allow a page to show it in any language."""

    file: str
    kpi: str
    field: str
    message: str
    code: str
    given: dict[str, Any]


class RuleListShape(TypedDict):
    """All rules in force, procedures, figures of the centre, and faults of changed rules that are left out."""

    rules: list[RuleShape]
    procedures: list[ProcedureShape]
    own_figures: list[OwnFigureShape]
    left_out: list[DefinitionFaultShape]


class _RuleCheck(TypedDict):
    sound: bool
    errors: list[ErrorShape]
    told: list[RecipientShape]


class RuleCheckShape(_RuleCheck, total=False):
    """Whether a draft is a valid rule. `fields` and `text` are absent where the draft cannot be read at all."""

    fields: dict[str, Any]
    text: str


class FiringShape(TypedDict):
    """When a rule would have fired for a unit; `end` is null if it would still last."""

    unit: str
    onset: str
    fired: str
    end: str | None


class BacktestResultShape(TypedDict):
    """Firings of one version of a rule: how many, how long in all, by unit, and the first 500."""

    count: int
    firing_s: float
    units: dict[str, int]
    firings: list[FiringShape]


BacktestShape = TypedDict(
    "BacktestShape",
    {
        "from": str, "to": str, "step_s": float, "units": int, "after": BacktestResultShape,
        "before": BacktestResultShape | None, "gone": list[FiringShape], "new": list[FiringShape],
        "told": list[RecipientShape],
    },
)  # fmt: skip
"""What a rule would have done. `before` is the version in force; `gone` and `new` are the differences between both."""


class RuleSavedShape(TypedDict):
    """The number of the new version, and the rule in force; null once it is taken out."""

    number: int
    rule: RuleShape | None


class FieldDifferenceShape(TypedDict):
    """A field whose value changed."""

    field: str
    before: Any
    after: Any


class RuleVersionShape(TypedDict):
    """A version of a rule and its difference to the one before.

    Number 0 is the definition of the packs. `fields` is null where the rule was taken out. `of` is the version that was
    restored, 0 for any other change.
    """

    number: int
    by: str
    at: str | None
    why: str
    of: int
    fields: dict[str, Any] | None
    text: str
    difference: list[FieldDifferenceShape]


class RuleVersionListShape(TypedDict):
    """Versions of a rule, oldest first."""

    rule: str
    versions: list[RuleVersionShape]


def rule_shape(service: AlertService, rule: Rule) -> RuleShape:
    """Return the JSON of a rule in force."""
    fields = dict(service.in_force.rules.fields.get(rule.id, {}))
    return {
        "id": rule.id,
        "name": rule.name,
        "sector": rule.sector,
        "kpi": rule.kpi,
        "severity": rule.severity.value,
        "owner": rule.owner,
        "procedure": rule.procedure,
        "version": rule.version,
        "revision": routing_store.rule_revision(service, rule.id),
        "fields": fields,
        "text": rule_text(fields),
        "units": len(units_of(rule, service.in_force.catalog.vocabulary.units)),
        "firing": sum(alert.rule == rule.id and bool(alert.since_ms) for alert in service.state.alerts.values()),
        "out_of_service": _out_of_service(service, rule.id),
    }


def _out_of_service(service: AlertService, rule: str) -> OutOfServiceShape | None:
    now_ms = service.act_ms()
    for one in service.state.handling.shelvings:
        if (one.rule, one.unit) == (rule, "") and one.holds_at(now_ms):
            return {"until": rfc3339(from_ms(one.until_ms)), "by": one.by, "why": one.why}
    return None


def rule_list_shape(service: AlertService, own_figures: list[OwnFigureShape]) -> dict[str, Any]:
    """Return all rules in force with the procedures, as RuleListShape without `left_out`."""
    found = service.in_force.rules
    return {
        "rules": [rule_shape(service, rule) for rule in found.rules.values()],
        "procedures": [to_record(one) for one in found.procedures.values()],
        "own_figures": own_figures,
    }


def backtest_result_shape(found: Backtest) -> BacktestResultShape:
    """Return the JSON of the firings of one version."""
    return {
        "count": found.count,
        "firing_s": found.firing_ms / 1000,
        "units": dict(found.units),
        "firings": [_firing(one) for one in found.firings[:MAX_FIRINGS]],
    }


def comparison_shape(found: Comparison) -> dict[str, Any]:
    """Return the members `after`, `before`, `gone` and `new` of BacktestShape."""
    return {
        "after": backtest_result_shape(found.after),
        "before": backtest_result_shape(found.before),
        "gone": [_firing(one) for one in found.gone[:MAX_FIRINGS]],
        "new": [_firing(one) for one in found.new[:MAX_FIRINGS]],
    }


def rule_versions_shape(rule: str, versions: list[RuleVersion]) -> RuleVersionListShape:
    """Return the JSON of the versions (oldest first), each with its difference to the one before."""
    shapes: list[RuleVersionShape] = []
    before = None
    for version in versions:
        shapes.append(
            {
                "number": version.number,
                "by": version.by,
                "at": rfc3339(from_ms(version.at_ms)) if version.at_ms else None,
                "why": version.why,
                "of": version.of,
                "fields": None if version.fields is None else dict(version.fields),
                "text": "" if version.fields is None else rule_text(version.fields),
                "difference": [
                    {"field": one.field, "before": one.before, "after": one.after}
                    for one in difference(before, version.fields)
                ],
            }
        )
        before = version.fields
    return {"rule": rule, "versions": shapes}


def _firing(one: Firing) -> FiringShape:
    return {
        "unit": one.unit,
        "onset": rfc3339(from_ms(one.onset_ms)),
        "fired": rfc3339(from_ms(one.fired_ms)),
        "end": None if one.end_ms is None else rfc3339(from_ms(one.end_ms)),
    }
