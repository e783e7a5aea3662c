"""Whatever the versions of a session: merging and harvesting keep the laws.

``CHASM_EXAMPLES=5000 pytest tests/property/test_laws.py`` looks longer.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property import laws, scenes, worlds

EXAMPLES = int(os.environ.get("CHASM_EXAMPLES", "60"))
thorough = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(worlds.forks(3))
def test_versions_that_have_a_base(case):
    laws.hold(laws.MERGING, case)


@thorough
@given(worlds.strangers(3))
def test_versions_without_a_base(case):
    laws.hold(laws.MERGING, case)


@thorough
@given(worlds.harvests())
def test_harvests(case):
    laws.hold(laws.HARVESTING, case)


@pytest.mark.parametrize("case", scenes.MERGES)
def test_versions_that_seldom_meet(case):
    laws.hold(laws.MERGING, case)


@pytest.mark.parametrize("case", scenes.HARVESTS)
def test_harvests_that_seldom_happen(case):
    laws.hold(laws.HARVESTING, case)
