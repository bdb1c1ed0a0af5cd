"""What the codes of the simulated dossiers stand for: their attributes as JSON, in every possible combination."""

import json

import numpy as np

from ioc.demo.noise import Floats, Ints
from ioc.demo.world.cases import CaseCodes
from ioc.demo.world.procedures import PROCEDURES

HANDLED = (
    ("synchronised", 0.985),
    ("digitised", 0.93),
    ("identity_checked", 0.9),
    ("result_electronic", 0.86),
    ("shared", 0.8),
    ("population_used", 0.7),
    ("reused", 0.45),
)
"""Steps of handling with their share of dossiers. Each is done only after those before it; others are left out."""
RATINGS = (None, False, True)
"""The citizen's rating at the end: none, dissatisfied, satisfied."""
CERTIFIED_COPY = "2.000815"


def _attributes() -> tuple[str, ...]:
    """Return the JSON by procedure × online × paid online × handled so far × complaint × (open, closed by rating)."""
    return tuple(
        json.dumps(
            {
                "level": "full" if procedure.fully_online else "partial",
                "fee": procedure.fee,
                "paid_online": bool(paid and procedure.fee and online),
                "digitised": bool(handled >= 2 or online),
                "department": procedure.department,
                **{name: True for name, _ in HANDLED[:handled]},
                **({"e_copy": online and handled >= 4} if procedure.code == CERTIFIED_COPY else {}),
                **({"complained": True} if complained else {}),
                **({} if rating is None else {"satisfied": rating}),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for procedure in PROCEDURES
        for online in (False, True)
        for paid in (False, True)
        for handled in range(len(HANDLED) + 1)
        for complained in (False, True)
        for rating in (None, *RATINGS)
    )


WORDS = CaseCodes(
    case_type="dossier",
    prefix="H57.",
    statuses=("received", "processing", "supplement", "settled", "returned", "withdrawn"),
    channels=("online", "counter", "post"),
    services=tuple(procedure.code for procedure in PROCEDURES),
    attributes=_attributes(),
)


def code(service: Ints, online: Ints, paid: Ints, handled: Ints, complained: Ints) -> Ints:
    """Return the index in WORDS.attributes of an open dossier; a closed one adds 1 + the index of its rating."""
    whole = ((service * 2 + online) * 2 + paid) * (len(HANDLED) + 1) + handled
    return (whole * 2 + complained) * (1 + len(RATINGS))


def handled(chance: Floats, care: Floats) -> Ints:
    """Return how many steps each dossier gets, by a uniform number in [0, 1); an office of `care` 1 does the usual."""
    return np.asarray(np.sum([chance < share * care for _, share in HANDLED], axis=0), np.int64)
