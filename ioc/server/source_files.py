"""Answer questions about the configuration files of sources."""

from collections.abc import Callable, Collection

from connectors.configuration import PERSONAL_CASE_FIELDS, PERSONAL_READING_FIELDS, read_source
from connectors.personal import personal_names
from ioc.api.auth.bearer import SOURCE_NAME
from ioc.catalog import Catalog
from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings


class SourceFiles:
    """The configuration files of all sources, read at each call."""

    def __init__(self, settings: Settings, catalog: Callable[[], Catalog]) -> None:
        self._settings = settings
        self._catalog = catalog

    def personal_fields(self, source: str) -> Collection[str]:
        """Return the fields that source and catalogue declare personal; all possible ones when the file is faulty."""
        declared = {name for kind in self._catalog().vocabulary.case_types.values() for name in kind.personal}
        path = self._settings.sources_dir / f"{source}.toml"
        if not SOURCE_NAME.fullmatch(source) or not path.exists():
            return declared
        try:
            return personal_names(read_source(path), declared)
        except ConfigurationInvalid:
            return declared | {*PERSONAL_CASE_FIELDS, *PERSONAL_READING_FIELDS}

    def token(self, source: str) -> str | None:
        """Return the token of a push source, None for a source without a file."""
        is_known = (self._settings.sources_dir / f"{source}.toml").exists()
        return self._settings.source_token(source) if is_known else None
