"""Read who is notified of alerts: routes, receivers, people, schedules, inhibitions, templates.

The province's `overlay/alerting/routing.toml` replaces the package's file as a whole.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

from ioc.catalog.packs import read_toml
from ioc.catalog.schedules import check_channels, read_people, read_schedules
from ioc.catalog.toml_table import LANGUAGES, CatalogInvalid, DefinitionFault, TomlTable, closest
from ioc.messages import Message
from ioc.model.matcher import LABEL_NAME, MatcherInvalid, Matchers, parse_matchers
from ioc.model.routing import ALL_LABELS, EscalationStep, Inhibition, Receiver, Route, Routing
from ioc.model.template import ALERT_FIELDS, GROUP_FIELDS, Template, TemplateInvalid, check_text

_MAX_DEPTH = 8
_TABLES = ("receiver", "person", "schedule", "inhibition", "template", "incoming", "route")
_ROOT = Route("root", (), (), ("rule",), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4))


@dataclass(frozen=True)
class AlertRouting:
    """Everything in the file, checked; templates by id.

    `resolve_after` says by source after which time an alert of another system counts as ended if it is not sent again.
    """

    routing: Routing
    inhibitions: tuple[Inhibition, ...]
    templates: Mapping[str, Template]
    resolve_after: Mapping[str, timedelta] = field(default_factory=dict)


def load_routing(overlay: Path | None = None, channels: Collection[str] | None = None) -> AlertRouting:
    """Load the routing in force. Raises CatalogInvalid with every fault found.

    `channels` are the ids of the configured channels; None accepts any.
    """
    path = Path(str(files("ioc.catalog").joinpath("alerting", "routing.toml")))
    if overlay is not None and (overlay / "alerting" / "routing.toml").is_file():
        path = overlay / "alerting" / "routing.toml"
    faults: list[DefinitionFault] = []
    data = read_toml(path, faults)
    alerting = None if faults else read_routing(TomlTable("", data, {}, str(path), faults), faults, channels)
    if faults or alerting is None:
        raise CatalogInvalid(faults)
    return alerting


def read_routing(
    row: TomlTable, faults: list[DefinitionFault], channels: Collection[str] | None = None
) -> AlertRouting | None:
    """Read a whole file, or the same content sent as JSON; None when something is faulty."""
    templates = {template.id: template for inner in row.tables("template") if (template := read_template(inner))}
    people = read_people(row, channels)
    schedules = read_schedules(row, people)
    receivers: dict[str, Receiver] = {}
    for inner in row.tables("receiver"):
        receiver = _receiver(inner, templates, schedules, channels)
        receivers[receiver.id] = receiver
    inhibitions = tuple(one for inner in row.tables("inhibition") if (one := read_inhibition(inner)) is not None)
    if not row.has("route"):
        row.fault("route", Message("route_missing"))
        root = _ROOT
    else:
        seen: set[str] = set()
        root = _route(row.table("route"), _ROOT, receivers, seen, 0)
    resolve_after = dict(_resolve_after(inner) for inner in row.tables("incoming"))
    row.finish(_TABLES)
    if faults:
        return None
    return AlertRouting(Routing(root, receivers, people, schedules), inhibitions, templates, resolve_after)


def _resolve_after(row: TomlTable) -> tuple[str, timedelta]:
    """Read `[[incoming]]`: a source and how long its alerts last without being sent again."""
    found = row.text("source"), row.duration("resolve_after", required=True) or timedelta()
    row.finish()
    return found


def read_template(row: TomlTable) -> Template | None:
    """Read a template: each text in both languages, with known fields only; None when it is faulty."""
    texts: dict[str, dict[str, str]] = {}
    for name, fields in (
        ("subject", GROUP_FIELDS),
        ("opening", GROUP_FIELDS),
        ("line", ALERT_FIELDS),
        ("closing", GROUP_FIELDS),
    ):
        given = row.names(name, required=name in ("subject", "line"))
        for language in LANGUAGES:
            try:
                check_text(str(given.get(language, "")), fields)
            except TemplateInvalid as fault:
                row.fault(f"{name}.{language}", Message("template", detail=fault.message))
        texts[name] = given
    template = Template(row.identifier(), texts["subject"], texts["opening"], texts["line"], texts["closing"])
    row.finish()
    return template if row.sound else None


def read_inhibition(row: TomlTable) -> Inhibition | None:
    """Read an inhibition; None when it is faulty.

    One without labels that must be equal would silence a whole province, which is a fault.
    """
    inhibition_id = row.identifier()
    source, target = read_matchers(row, "source"), read_matchers(row, "target")
    equal = row.texts("equal", required=True)
    for name in equal:
        if not LABEL_NAME.match(name):
            row.fault("equal", Message("no_label", given=name))
    row.finish()
    return Inhibition(inhibition_id, source, target, equal) if row.sound else None


def read_matchers(row: TomlTable, field: str) -> Matchers:
    """Read a list of matchers; empty, with a fault, when they are not valid."""
    texts = row.texts(field, required=True)
    if not texts:
        return ()
    try:
        return parse_matchers(texts)
    except MatcherInvalid as fault:
        row.fault(field, fault.message)
        return ()


def _receiver(
    row: TomlTable, templates: Mapping[str, Template], schedules: Collection[str], channels: Collection[str] | None
) -> Receiver:
    receiver = Receiver(
        id=row.identifier(),
        name=row.names("name"),
        channels=row.texts("channels", required=False),
        schedule=row.choice("schedule", schedules, ""),
        template=row.choice("template", templates, ""),
        language=row.choice("language", LANGUAGES, "vi"),
    )
    row.finish()
    check_channels(row, receiver.channels, channels)
    if not receiver.channels and not row.has("schedule"):
        row.fault("channels", Message("nobody_receives"))
    return receiver


def _route(row: TomlTable, above: Route, receivers: Mapping[str, Receiver], seen: set[str], depth: int) -> Route:
    """Read a route; fields that it does not have come from the route above it."""
    route_id = row.text("id", "root") if depth == 0 else row.identifier()
    row.subject = f"route {route_id}"
    if route_id in seen:
        row.fault("id", Message("route_twice", given=route_id))
    seen.add(route_id)
    matchers: Matchers = ()
    if depth == 0 and row.has("matchers"):
        row.fault("matchers", Message("root_matchers"))
        row.skip("matchers")
    elif depth:
        matchers = read_matchers(row, "matchers")
    named = row.texts("receivers", required=depth == 0) if depth == 0 or row.has("receivers") else above.receivers
    if row.has("receivers") and not named:
        row.fault("receivers", Message("nobody_receives"))
    _known(row, "receivers", named, receivers)
    group_by = row.texts("group_by", required=False) if row.has("group_by") else above.group_by
    for name in group_by:
        if name != ALL_LABELS and not LABEL_NAME.match(name):
            row.fault("group_by", Message("no_label", given=name))
    route = replace(
        above,
        id=route_id,
        matchers=matchers,
        receivers=named,
        group_by=group_by,
        group_wait=row.duration("group_wait") or above.group_wait,
        group_interval=row.duration("group_interval") or above.group_interval,
        repeat_interval=row.duration("repeat_interval") or above.repeat_interval,
        escalation=_escalation(row, receivers) if row.has("escalation") else above.escalation,
        goes_on=row.flag("goes_on"),
        routes=(),
    )
    if depth >= _MAX_DEPTH:
        row.fault("route", Message("too_deep", most=_MAX_DEPTH))
        row.skip("route")
        return route
    inner = tuple(_route(one, route, receivers, seen, depth + 1) for one in row.tables("route"))
    row.finish(["route"])
    return replace(route, routes=inner)


def _escalation(row: TomlTable, receivers: Mapping[str, Receiver]) -> tuple[EscalationStep, ...]:
    """Read the steps, in the order of time."""
    steps: list[EscalationStep] = []
    for inner in row.tables("escalation"):
        after = inner.duration("after", required=True) or timedelta()
        named = inner.texts("receivers", required=True)
        _known(inner, "receivers", named, receivers)
        if steps and after <= steps[-1].after:
            inner.fault("after", Message("steps_order"))
        steps.append(EscalationStep(after, named))
        inner.finish()
    row.skip("escalation")
    return tuple(steps)


def _known(row: TomlTable, field: str, named: Collection[str], receivers: Mapping[str, Receiver]) -> None:
    for name in named:
        if name not in receivers:
            row.fault(field, Message("unknown_receiver", given=name, nearest=closest(name, receivers)))
