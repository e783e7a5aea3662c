"""A person's words in the header: kept against every harvest, the same on every machine."""

from itertools import permutations

import pytest

from chasm_git.session import codec
from chasm_git.session.encode import dumps
from chasm_git.session.merge import Conflict, absorb, merge
from chasm_git.session.model import Message, Session
from chasm_git.session.words import annotate, edited, retag, retitle


def file(title=None, *texts, **fields):
    messages = [Message(f"m{n}", "user", None, text, f"m{n - 1}" if n else None) for n, text in enumerate(texts)]
    return dumps(Session("s", "codex", title=title, messages=messages, **fields))


def titled(data, title):
    return edited(data, lambda session: retitle(session, title))


def noted(data, note):
    return edited(data, lambda session: annotate(session, note))


def header(data):
    return codec.loads(data)


BASE = file("generated", "one")


@pytest.mark.parametrize("said", [BASE, None], ids=["after a harvest", "with nothing known of it"])
@pytest.mark.parametrize("fresh", [file("generated anew", "one", "two"), file(None, "one"), file("My title", "one")])
def test_a_harvest_never_overwrites_what_a_person_wrote(said, fresh):
    mine = edited(noted(titled(BASE, "My title"), "a note"), lambda session: retag(session, ["work"], []))
    made = absorb(said, mine, fresh)
    kept = header(made.data)
    assert (kept.title, kept.tags) == ("My title", ["work"])
    assert (kept.extra["title_by"], kept.extra["notes"]) == ("user", "a note")
    assert made.conflicts == []
    again = absorb(fresh, made.data, file("a third one", "one"))
    assert header(again.data).title == "My title"


def test_a_generated_title_follows_the_provider():
    assert header(absorb(BASE, BASE, file("a better one", "one")).data).title == "a better one"
    assert "alternatives" not in header(absorb(BASE, BASE, file("a better one", "one")).data).extra


def test_two_machines_with_different_titles_converge_and_ask():
    one, other = titled(BASE, "Login"), titled(BASE, "Redirect")
    merged = merge(BASE, one, other)
    assert merged.data == merge(BASE, other, one).data
    assert merged.conflicts == [Conflict("metadata", "title")]
    held = header(merged.data)
    assert {held.title, *held.extra["alternatives"]["title"]} == {"Login", "Redirect"}
    for side in (one, other):
        assert merge(side, merged.data, side).conflicts == []
        assert merge(BASE, merged.data, side).data == merged.data


def test_a_persons_title_ends_it_everywhere():
    one, other = titled(BASE, "Login"), titled(BASE, "Redirect")
    merged = merge(BASE, one, other).data
    settled = titled(merged, "Login redirect")
    made = merge(merged, settled, merge(BASE, other, one).data)
    assert (made.data, made.conflicts) == (settled, [])


def test_a_persons_title_beats_a_generated_one_from_another_machine():
    made = merge(BASE, titled(BASE, "Login"), file("generated anew, and longer", "one"))
    assert header(made.data).title == "Login"
    assert made.conflicts == []


def test_notes_of_several_machines_are_all_kept():
    base = noted(BASE, "first")
    one, two, three = noted(base, "first, and more"), noted(base, "other"), noted(base, "third")
    results = {merge(base, merge(base, a, b).data, c).data for a, b, c in permutations([one, two, three])}
    assert len(results) == 1
    assert header(results.pop()).extra["notes"] == ["first, and more", "other", "third"]


def test_a_note_changed_on_one_machine_is_changed():
    base = noted(BASE, "first")
    other = titled(base, "Login")
    assert header(merge(base, noted(base, "second"), other).data).extra["notes"] == "second"
    assert "notes" not in header(merge(base, noted(base, ""), other).data).extra


def test_tags_are_put_together_and_one_taken_away_is_gone():
    base = edited(BASE, lambda session: retag(session, ["old", "kept"], []))
    one = edited(base, lambda session: retag(session, ["one"], ["old"]))
    other = edited(base, lambda session: retag(session, ["other"], []))
    assert header(merge(base, one, other).data).tags == ["kept", "one", "other"]
    assert header(absorb(BASE, one, BASE).data).tags == ["kept", "one"]


def test_what_no_version_of_ours_knows_is_kept():
    one = dumps(Session("s", "codex", extra={"zoom": {"level": 1}}))
    other = dumps(Session("s", "codex", extra={"zoom": {"level": 2}, "pan": [1]}))
    made = merge(None, one, other)
    held = header(made.data).extra
    assert held["pan"] == [1]
    assert {str(held["zoom"]), *map(str, held["alternatives"]["zoom"])} == {"{'level': 1}", "{'level': 2}"}
    assert made.conflicts == [Conflict("metadata", "zoom")]
