"""The catalogue of datasets in DCAT-AP 3, which open-data portals harvest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ioc.open_data.dataset_selection import Dataset, OpenData
from ioc.open_data.rdf import TYPE, Blank, Iri, Literal, Statement

_EU = "http://publications.europa.eu/resource/authority"
_FREQUENCY = {"day": "DAILY", "month": "MONTHLY", "quarter": "QUARTERLY", "year": "ANNUAL"}
_FORMATS = {
    "csv": ("CSV", "https://www.iana.org/assignments/media-types/text/csv"),
    "parquet": ("PARQUET", "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet"),
}
_SIMULATED = {"vi": "DỮ LIỆU MÔ PHỎNG: không phải số liệu thật. ", "en": "SIMULATED DATA: these are no real figures. "}
_THEMES = {"vi": "Chủ đề dữ liệu", "en": "Data theme"}
_TITLE = {"vi": "Dữ liệu mở", "en": "Open data"}
_ABOUT = {
    "vi": "Chỉ số của các kỳ đã đóng, theo đơn vị hành chính.",
    "en": "Figures of closed periods, by administrative unit.",
}
_NOT_SET = {"vi": "(chưa đặt đơn vị công bố)", "en": "(publisher not set)"}
"""DCAT-AP requires a publisher; this says that none is set."""
_COUNTRY = Iri(f"{_EU}/country/VNM")


@dataclass(frozen=True)
class Published:
    """A dataset as written.

    `changed_at` is when its content last changed; days of the first and last period (None without rows); file sizes
    by format.
    """

    changed_at: datetime
    first_day: date | None
    last_day: date | None
    sizes_bytes: Mapping[str, int]


def catalogue(chosen: OpenData, published: Mapping[str, Published], site: str, *, simulated: bool) -> list[Statement]:
    """Return the statements of the catalogue. `site` is the centre's address without a trailing slash."""
    this, publisher = Iri(f"{site}/open#catalog"), Iri(f"{site}/open#publisher")
    contact = Blank("contact") if chosen.contact_email else None
    names = chosen.publisher or _NOT_SET
    changed = max((one.changed_at for one in published.values()), default=None)
    statements: list[Statement] = [
        (this, TYPE, Iri("dcat:Catalog")),
        *_both(this, "dct:title", {tongue: f"{_TITLE[tongue]} – {name}" for tongue, name in names.items()}),
        *_both(this, "dct:description", _marked(_ABOUT, simulated)),
        (this, "dct:publisher", publisher),
        (this, "dct:license", Iri(chosen.licence_url)),
        (this, "foaf:homepage", Iri(f"{site}/open")),
        (this, "dct:language", Iri(f"{_EU}/language/VIE")),
        (this, "dct:spatial", _COUNTRY),
        *([(this, "dct:modified", _moment(changed))] if changed else []),
        (publisher, TYPE, Iri("foaf:Agent")),
        *_both(publisher, "foaf:name", names),
        *([(publisher, "foaf:homepage", Iri(chosen.homepage))] if chosen.homepage else []),
        (Iri(f"{_EU}/data-theme"), TYPE, Iri("http://www.w3.org/2004/02/skos/core#ConceptScheme")),
        *_both(Iri(f"{_EU}/data-theme"), "dct:title", _THEMES),
        (this, "dcat:themeTaxonomy", Iri(f"{_EU}/data-theme")),
    ]
    if contact is not None:
        statements += [
            (contact, TYPE, Iri("vcard:Kind")),
            (contact, "vcard:fn", Literal(chosen.contact_name)),
            (contact, "vcard:hasEmail", Iri(f"mailto:{chosen.contact_email}")),
        ]
    for dataset in chosen.datasets:
        about = Iri(f"{site}/open#{dataset.id}")
        statements.append((this, "dcat:dataset", about))
        statements += _dataset(about, dataset, published[dataset.id], chosen, site, simulated)
        statements.append((about, "dct:publisher", publisher))
        if contact is not None:
            statements.append((about, "dcat:contactPoint", contact))
    return statements


def _dataset(
    about: Iri, dataset: Dataset, published: Published, chosen: OpenData, site: str, simulated: bool
) -> list[Statement]:
    period = Blank(f"period-{dataset.id}")
    statements: list[Statement] = [
        (about, TYPE, Iri("dcat:Dataset")),
        (about, "dct:identifier", Literal(dataset.id)),
        *_both(about, "dct:title", dataset.title),
        *_both(about, "dct:description", _marked(dataset.description, simulated)),
        (about, "dcat:theme", Iri(f"{_EU}/data-theme/{dataset.theme}")),
        (about, "dct:accrualPeriodicity", Iri(f"{_EU}/frequency/{_FREQUENCY[dataset.period]}")),
        (about, "dct:accessRights", Iri(f"{_EU}/access-right/PUBLIC")),
        (about, "dct:spatial", _COUNTRY),
        (about, "dct:language", Iri(f"{_EU}/language/VIE")),
        (about, "dcat:landingPage", Iri(f"{site}/open?dataset={dataset.id}")),
        (about, "dct:modified", _moment(published.changed_at)),
    ]
    for tongue, words in dataset.keywords.items():
        statements += [(about, "dcat:keyword", Literal(word, tongue)) for word in words]
    if published.first_day and published.last_day:
        statements += [
            (about, "dct:temporal", period),
            (period, TYPE, Iri("dct:PeriodOfTime")),
            (period, "dcat:startDate", Literal(published.first_day.isoformat(), datatype="xsd:date")),
            (period, "dcat:endDate", Literal(published.last_day.isoformat(), datatype="xsd:date")),
        ]
    for kind, (eu_format, media_type) in _FORMATS.items():
        file = Iri(f"{site}/open/{dataset.id}.{kind}")
        named = Iri(f"{site}/open#{dataset.id}-{kind}")
        statements += [
            (about, "dcat:distribution", named),
            (named, TYPE, Iri("dcat:Distribution")),
            (named, "dct:title", Literal(f"{dataset.title['vi']} ({eu_format})", "vi")),
            (named, "dcat:accessURL", file),
            (named, "dcat:downloadURL", file),
            (named, "dct:format", Iri(f"{_EU}/file-type/{eu_format}")),
            (named, "dcat:mediaType", Iri(media_type)),
            (named, "dct:license", Iri(chosen.licence_url)),
            (named, "dcat:byteSize", Literal(str(published.sizes_bytes[kind]), datatype="xsd:nonNegativeInteger")),
            (named, "dct:modified", _moment(published.changed_at)),
            (named, "dcatap:availability", Iri(f"{_EU}/planned-availability/STABLE")),
        ]
    return statements


def _both(subject: Iri, predicate: str, texts: Mapping[str, str]) -> list[Statement]:
    return [(subject, predicate, Literal(text, tongue)) for tongue, text in texts.items()]


def _marked(texts: Mapping[str, str], simulated: bool) -> dict[str, str]:
    return {tongue: (_SIMULATED[tongue] if simulated else "") + text for tongue, text in texts.items()}


def _moment(moment: datetime) -> Literal:
    return Literal(moment.isoformat(timespec="seconds"), datatype="xsd:dateTime")
