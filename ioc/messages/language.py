"""The language of messages on a terminal."""

from collections.abc import Mapping


def terminal_language(environment: Mapping[str, str]) -> str:
    """Return `vi` or `en` for messages on a terminal: IOC_LANGUAGE, else the locale, else English."""
    chosen = environment.get("IOC_LANGUAGE", "")
    if chosen in ("vi", "en"):
        return chosen
    names = (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "vi" if next(filter(None, names), "").startswith("vi") else "en"
