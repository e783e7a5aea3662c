"""`chasm find workspace`."""

from __future__ import annotations

from tests.cli.calling import Program


def test_by_a_part_of_the_path(chasm: Program) -> None:
    (one,) = chasm("find", "workspace", "ANA/sh", "--json").json
    assert (one["workspace"], one["sessions"], one["messages"]) == ("/home/ana/shop", 1, 3)
    assert chasm("find", "workspace", "home*shop", "--json").json == [one]
    assert "/home/ana/shop" in chasm("find", "workspace", "shop").out
    assert chasm("find", "workspace", "absent").err == "no workspace matches\n"
