"""Write RDF statements as JSON-LD and as Turtle.

A subject or object is an `Iri`, a `Literal` or `Blank`; predicates use the prefixes in PREFIXES (`dcat:title`).
"""

import json
from dataclasses import dataclass
from typing import Any

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "adms": "http://www.w3.org/ns/adms#",
    "dcatap": "http://data.europa.eu/r5r/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
TYPE = "rdf:type"


@dataclass(frozen=True, slots=True)
class Iri:
    """An address in full or with a prefix of PREFIXES."""

    text: str

    @property
    def full(self) -> str:
        prefix, _, rest = self.text.partition(":")
        return PREFIXES[prefix] + rest if prefix in PREFIXES else self.text


@dataclass(frozen=True, slots=True)
class Literal:
    """A value with `language`, or `datatype` (prefixed), or neither."""

    text: str
    language: str = ""
    datatype: str = ""


@dataclass(frozen=True, slots=True)
class Blank:
    """A node without an address."""

    name: str


Term = Iri | Literal | Blank
Statement = tuple[Iri | Blank, str, Term]


def turtle(statements: list[Statement]) -> str:
    lines = [f"@prefix {prefix}: <{address}> ." for prefix, address in PREFIXES.items()]
    for subject in dict.fromkeys(statement[0] for statement in statements):
        own = [(predicate, told) for one, predicate, told in statements if one == subject]
        told = " ;\n".join(f"    {predicate} {_turtle_term(value)}" for predicate, value in own)
        lines.append(f"\n{_turtle_term(subject)}\n{told} .")
    return "\n".join(lines) + "\n"


def json_ld(statements: list[Statement]) -> str:
    """Return flat JSON-LD: one node per subject, predicates and types with prefixes."""
    nodes: dict[Term, dict[str, Any]] = {}
    for subject, predicate, value in statements:
        node = nodes.setdefault(subject, {"@id": _node_id(subject)})
        if predicate == TYPE and isinstance(value, Iri):
            node.setdefault("@type", []).append(value.full)
        else:
            node.setdefault(predicate, []).append(_json_term(value))
    return json.dumps({"@context": PREFIXES, "@graph": list(nodes.values())}, ensure_ascii=False, indent=1) + "\n"


def _node_id(term: Iri | Blank) -> str:
    return term.full if isinstance(term, Iri) else f"_:{term.name}"


def _json_term(term: Term) -> dict[str, str]:
    if not isinstance(term, Literal):
        return {"@id": _node_id(term)}
    value = {"@value": term.text}
    if term.language:
        value["@language"] = term.language
    elif term.datatype:
        value["@type"] = Iri(term.datatype).full
    return value


def _turtle_term(term: Term) -> str:
    if isinstance(term, Iri):
        return f"<{term.full}>"
    if isinstance(term, Blank):
        return f"_:{term.name}"
    text = json.dumps(term.text, ensure_ascii=False).replace("\x7f", "\\u007F")
    if term.language:
        return f"{text}@{term.language}"
    return f"{text}^^{term.datatype}" if term.datatype else text
