"""A fresh company for each test of the engine's effects."""

import pytest
from sqlalchemy import Engine

from qb_pipeline_tests.sync.world import World


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)
