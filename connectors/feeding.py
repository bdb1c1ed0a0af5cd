"""Which measures and case types a source can give, read off its configuration."""

from __future__ import annotations

from connectors.configuration import SourceConfiguration
from connectors.mapping import FieldRule, read_mapping
from ioc.settings import VIETNAM


def feeds_of(configuration: SourceConfiguration) -> tuple[str, ...]:
    """Ids, and patterns as `lgsp.*` from `feeds`. Of a column that holds ids as they are only `feeds` can tell.
    Raises ConfigurationInvalid for a faulty mapping."""
    mapping = read_mapping(configuration.mapping, VIETNAM)
    found = [
        word
        for rules in mapping.outputs
        for rule in rules
        if rule.target in ("measure", "case_type")
        for word in _words(rule)
    ]
    return tuple(dict.fromkeys((*configuration.feeds, *found)))


def _words(rule: FieldRule) -> list[str]:
    given = [rule.constant, rule.default, *rule.values.values()]
    return [word for word in given if isinstance(word, str)]
