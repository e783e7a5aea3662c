"""The laws can fail: every fault a person might make in the rules breaks at least one of them."""

from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.property import laws, scenes, worlds
from tests.property.mutants import MUTANTS, rules

WORLDS = ((worlds.forks(3), laws.MERGING), (worlds.strangers(3), laws.MERGING), (worlds.harvests(), laws.HARVESTING))


@cache
def cases(count=60):
    """The same worlds for every fault, of each kind one in turn; with the laws that speak of them."""
    kinds = []
    for strategy, speaking in WORLDS:
        fixed = settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        kinds.append([(case, speaking) for case in drawn(fixed, strategy)])
    arranged = [(case, laws.MERGING) for case in scenes.MERGES] + [(case, laws.HARVESTING) for case in scenes.HARVESTS]
    return arranged + [case for row in zip(*kinds, strict=True) for case in row]


def drawn(fixed, strategy):
    """What a strategy draws under these settings."""
    found = []

    @fixed
    @given(strategy)
    def draw(case):
        found.append(case)

    draw()
    return found


def broken_law():
    """The first law that does not hold; None where all do."""
    for case, speaking in cases():
        for law in speaking:
            try:
                law(case)
            except (AssertionError, ValueError, KeyError):
                return law.__name__
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_breaks_a_law(mutant, monkeypatch):
    cases()
    with monkeypatch.context() as swapped:
        swapped.setattr(laws, "merge", rules(mutant, swapped))
        assert broken_law()


def test_a_true_copy_breaks_none(monkeypatch):
    cases()
    with monkeypatch.context() as swapped:
        swapped.setattr(laws, "merge", rules(None, swapped))
        assert broken_law() is None
