"""Check alert rules, procedures and routing, and run the rules' test cases."""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from ioc.alerts.rule_arrays import units_of
from ioc.alerts.rule_cases import run_case
from ioc.catalog import load
from ioc.catalog.catalog import Catalog
from ioc.catalog.routing import load_routing
from ioc.catalog.rule_cases import read_cases
from ioc.catalog.rules import Rules, load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.messages import Message
from ioc.model.rule_case import RuleCase


def check_alerting(catalog: Catalog, overlay: Path | None, zone: ZoneInfo) -> dict[str, int]:
    """Return the number of rules, of procedures, and of cases that were run.

    Cases of the province (`cases/` of its definitions) run with the province's definitions, those of the package with
    the package's. Raises CatalogInvalid with every fault found, including cases that fail.
    """
    faults: list[DefinitionFault] = []
    try:
        load_routing(overlay)
    except CatalogInvalid as invalid:
        faults += invalid.faults
    try:
        rules = load_rules(catalog, overlay)
    except CatalogInvalid as invalid:
        raise CatalogInvalid([*faults, *invalid.faults]) from None
    cases = 0
    for path, of, known in _case_files(overlay, catalog, rules):
        try:
            listed = read_cases(path, known.rules)
        except CatalogInvalid as invalid:
            faults += invalid.faults
            continue
        for case in listed:
            failed = failures_of(case, known, of, zone)
            faults += [DefinitionFault(str(path), f"rule {case.rule}", case.name, failure) for failure in failed]
            cases += 1
    if faults:
        raise CatalogInvalid(faults)
    return {"rules": len(rules.rules), "procedures": len(rules.procedures), "cases": cases}


def _case_files(overlay: Path | None, catalog: Catalog, in_force: Rules) -> Iterator[tuple[Path, Catalog, Rules]]:
    """Yield each file with the definitions that it was written for: the province's targets are not the package's."""
    own = overlay is not None and overlay.is_dir()
    shipped = load(catalog.province.code) if own else catalog
    rules = load_rules(shipped) if own else in_force
    package = Path(str(files("ioc.catalog")))
    of_the_province = package.glob(f"provinces/{catalog.province.code}/cases/*.toml")
    for path in sorted([*package.glob("rules/cases/*.toml"), *of_the_province]):
        yield path, shipped, rules
    if overlay is not None:
        for path in sorted((overlay / "cases").glob("*.toml")):
            yield path, catalog, in_force


def failures_of(case: RuleCase, rules: Rules, catalog: Catalog, zone: ZoneInfo) -> list[Message]:
    """Return one sentence per expectation that does not hold, in the rule's first unit."""
    rule, units = rules.rules[case.rule], catalog.vocabulary.units
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    unit = units[next(iter(units_of(rule, units)), catalog.province.code)]
    return run_case(case, rule, unit, targets, zone, _is_weekday)


def _is_weekday(day: date) -> bool:
    """Return whether it is Monday to Friday: cases do not depend on the public holidays of a year."""
    return day.weekday() < 5
