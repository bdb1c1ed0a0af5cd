from __future__ import annotations

import pytest

from ioc.catalog.units import province_units
from ioc.demo.places import World
from ioc.settings import VIETNAM


@pytest.fixture(scope="session")
def world() -> World:
    return World.of(province_units("46"), VIETNAM)
