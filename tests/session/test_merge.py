"""The session merge: nothing lost, nothing depends on sides."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.session import codec
from chasm_git.session.body import extends
from chasm_git.session.encode import dumps
from chasm_git.session.join import Body, dominates, from_value
from chasm_git.session.merge import absorb, merge
from chasm_git.session.model import Message, Session
from tests.scaling import examples


def session(*messages, **fields):
    above = None
    for message in messages:
        if message.after is None:
            message.after = above
        above = message.id
    return Session("s", "codex", messages=list(messages), **fields)


def user(identity, text, second=0, **fields):
    return Message(identity, "user", f"2026-01-08T12:00:{second:02}.000Z", text, **fields)


def data(*messages, **fields):
    return dumps(session(*messages, **fields))


def texts(raw):
    return [message.content for message in codec.loads(raw).messages]


def every_text(raw):
    found = set()
    for message in codec.loads(raw).messages:
        found.add(str(message.content))
        found.update(str(value.get("content", "")) for value in [*message.variants, *message.replaced])
    return found


# --- what a provider's harvest meets -------------------------------------------------------------------------------


def test_growth_is_taken():
    old = data(user("a", "one"))
    new = data(user("a", "one"), user("b", "two", 1))
    assert absorb(old, old, new).data == new


def test_a_vanished_message_stays():
    old = data(user("a", "one"), user("b", "two", 1), user("c", "three", 2))
    pruned = data(user("b", "two", 1), user("c", "three", 2), user("d", "four", 3))
    assert texts(absorb(old, old, pruned).data) == ["one", "two", "three", "four"]


def test_a_rewritten_session_is_added_to_the_old_one():
    old = data(user("a", "one"), user("b", "two", 1))
    new = data(user("x", "other", 5), user("y", "talk", 6))
    assert texts(absorb(old, old, new).data) == ["one", "two", "other", "talk"]


def test_a_stub_does_not_replace_the_text():
    old = data(user("a", "a long question"))
    stub = data(user("a", "a long"))
    merged = absorb(old, old, stub)
    assert texts(merged.data) == ["a long question"]
    assert merged.kept == ["a"]


def test_an_edit_by_the_provider_is_taken_and_the_old_text_kept():
    old, new = data(user("a", "first words")), data(user("a", "other words"))
    merged = absorb(old, old, new)
    assert texts(merged.data) == ["other words"]
    assert every_text(merged.data) == {"first words", "other words"}
    assert merged.conflicts == []
    again = absorb(new, merged.data, data(user("a", "third words")))
    assert every_text(again.data) == {"first words", "other words", "third words"}


@pytest.mark.parametrize("inactive", [True, False])
def test_a_message_leaves_the_conversation_and_comes_back(inactive):
    old = data(user("a", "one"), user("b", "two", 1, inactive=not inactive))
    new = data(user("a", "one"), user("b", "two", 1, inactive=inactive), user("c", "three", 2))
    for base in (old, None):  # whatever is known of the last harvest: the branch is the provider's to say
        result = absorb(base, old, new)
        assert (result.data, result.kept, result.conflicts) == (new, [], [])


def test_an_answer_that_grew_replaces_its_beginning():
    part = Message("a", "assistant", content="It is", status="partial")
    whole = Message("a", "assistant", content="It is in app.py")
    merged = absorb(data(part), data(part), data(whole))
    assert merged.data == data(whole)


def test_a_late_tool_result_is_filled_in():
    call = {"type": "tool_call", "id": "c", "name": "Bash", "arguments": {}}
    early = Message("a", "assistant", content=[call])
    late = Message("a", "assistant", content=[call, {"type": "tool_result", "id": "c", "content": "ok"}])
    assert absorb(data(early), data(early), data(late)).data == data(late)


def test_a_persons_words_survive_the_next_harvest():
    old = data(user("a", "one"), title="generated")
    mine = data(user("a", "one"), title="My title", tags=["work"])
    new = data(user("a", "one"), user("b", "two", 1), title="generated")
    merged = codec.loads(absorb(old, mine, new).data)
    assert (merged.title, merged.tags, len(merged.messages)) == ("My title", ["work"], 2)


def test_a_torn_tail_goes_when_its_line_is_complete():
    torn = dumps(Session("s", "codex", native={"tail": {"$line": '{"a'}}, messages=[user("a", "one")]))
    whole = data(user("a", "one"), user("b", "two", 1))
    assert absorb(torn, torn, whole).data == whole


# --- what two machines meet ------------------------------------------------------------------------------------------


def test_two_continuations_are_two_runs():
    base = data(user("a", "one"))
    mine = data(user("a", "one"), user("m1", "mine 1", 2), user("m2", "mine 2", 6))
    its = data(user("a", "one"), user("t1", "its 1", 1), user("t2", "its 2", 5))
    merged = merge(base, mine, its)
    assert texts(merged.data) == ["one", "its 1", "its 2", "mine 1", "mine 2"]
    assert merged.conflicts == []


def test_two_edits_of_one_message_are_both_kept():
    base = data(user("a", "one"))
    merged = merge(base, data(user("a", "ONE")), data(user("a", "uno")))
    assert every_text(merged.data) == {"ONE", "uno"}
    assert [conflict.where for conflict in merged.conflicts] == ["a"]
    assert merge(base, merged.data, data(user("a", "uno"))).conflicts == []


def test_a_tombstone_stays():
    base = data(user("a", "secret"))
    gone = data(Message("a", "user", "2026-01-08T12:00:00.000Z", deleted=True))
    assert merge(None, base, gone).data == gone
    assert (
        absorb(base, gone, data(user("a", "secret"), user("b", "two", 1))).data
        == absorb(None, gone, data(user("a", "secret"), user("b", "two", 1))).data
    )
    assert b"secret" not in absorb(base, gone, data(user("a", "secret!"))).data


def test_a_side_that_does_not_parse_is_refused():
    good = data(user("a", "one"))
    with pytest.raises(codec.CodecError):
        merge(None, good, b"<<<<<<< ours\n")


def test_titles_changed_on_both_sides_keep_the_loser():
    merged = merge(data(title="x"), data(title="mine"), data(title="its own"))
    head = codec.loads(merged.data)
    assert {head.title, *head.extra["alternatives"]["title"]} == {"mine", "its own"}


# --- properties ------------------------------------------------------------------------------------------------------

contents = st.sampled_from(["a", "ab", "abc", "x", "xy", "", "line\nline", "other"])
bodies = st.builds(
    lambda role, text, status, second, native: (role, text, status, second, native),
    st.sampled_from(["user", "assistant", "event"]),
    contents,
    st.sampled_from([None, None, "partial"]),
    st.integers(0, 3),
    st.sampled_from([None, {"k": 1}, {"k": 1, "l": 2}, {"k": 2}]),
)


@st.composite
def versions(draw, names="abcde"):
    """One version of a session: some of the messages, each with one of many bodies, any anchors among them."""
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=5))
    made = []
    for name in chosen:
        role, text, status, second, native = draw(bodies)
        after = draw(st.one_of(st.none(), st.sampled_from(names)))
        made.append(Message(name, role, f"2026-01-08T12:00:0{second}.000Z", text, after, status=status, native=native))
    title = draw(st.sampled_from([None, "t1", "t2", "t3"]))
    tags = draw(st.lists(st.sampled_from(["p", "q"]), unique=True))
    return dumps(Session("s", "codex", title=title, tags=tags, messages=made))


def all_bodies(raw):
    found = {}
    for message in codec.loads(raw).messages:
        held = [Body(deepcopy(message)), *(from_value(message.id, v) for v in [*message.variants, *message.replaced])]
        found[message.id] = held
    return found


@settings(max_examples=examples(120), deadline=None)
@given(st.one_of(st.none(), versions()), versions(), versions())
def test_sides_do_not_matter(base, ours, theirs):
    merged = merge(base, ours, theirs)
    assert merged.data == merge(base, theirs, ours).data
    assert codec.is_canonical(merged.data)


@settings(max_examples=examples(80), deadline=None)
@given(versions(), versions())
def test_merging_again_changes_nothing(ours, theirs):
    merged = merge(None, ours, theirs).data
    assert merge(None, merged, theirs).data == merged
    assert merge(None, ours, merged).data == merged
    for base in (None, ours, theirs):
        assert merge(base, merged, merged).conflicts == []


@settings(max_examples=examples(120), deadline=None)
@given(versions(), versions(), versions())
def test_three_replicas_agree_in_every_order(one, two, three):
    results = {
        merge(None, merge(None, a, b).data, c).data
        for a, b, c in [(one, two, three), (two, three, one), (three, one, two), (two, one, three)]
    }
    assert len(results) == 1


@settings(max_examples=examples(120), deadline=None)
@given(versions(), versions())
def test_without_a_base_every_body_is_shown_extended_or_a_variant(ours, theirs):
    held = all_bodies(merge(None, ours, theirs).data)
    for side in (ours, theirs):
        for identity, listed in all_bodies(side).items():
            for body in listed:
                assert any(body.data == other.data or dominates(other, body) for other in held[identity])


@settings(max_examples=examples(120), deadline=None)
@given(versions(), versions(), versions())
def test_no_message_is_ever_dropped_by_a_harvest(base, archived, fresh):
    merged = absorb(base, archived, fresh).data
    assert codec.is_canonical(merged)
    held = all_bodies(merged)
    before = all_bodies(archived)
    assert set(held) == set(before) | set(all_bodies(fresh))
    for identity, listed in before.items():
        for body in listed:
            assert any(extends(other.message, body.message) for other in held[identity])


@settings(max_examples=examples(80), deadline=None)
@given(versions(), versions())
def test_a_harvest_is_idempotent(archived, fresh):
    once = absorb(None, archived, fresh).data
    assert absorb(fresh, once, fresh).data == once
    assert absorb(None, once, fresh).data == once


TORN = [
    (b"- id: b\n", b"- id: \xff\n"),
    (b"- id: b\n", b'- id: "b\n'),
    (b'timestamp: "2026-01-08T12:00:01.000Z"', b"timestamp: \xff"),
    (b'timestamp: "2026-01-08T12:00:01.000Z"', b'timestamp: "2026'),
]


@pytest.mark.parametrize(("whole", "torn"), TORN)
def test_a_side_that_cannot_be_read_is_said_by_line(whole, torn):
    one = data(user("a", "x"), user("b", "y", 1))
    other = data(user("a", "x"), user("b", "y and more", 1), user("c", "z", 2))
    broken = one.replace(whole, torn)
    assert broken != one
    for merging in (merge, absorb):
        for sides in ((broken, other), (other, broken)):
            with pytest.raises(codec.CodecError, match="line"):
                merging(None, *sides)


@pytest.mark.parametrize(("whole", "torn"), TORN)
def test_a_base_that_cannot_be_read_is_none(whole, torn):
    base = data(user("a", "x"), user("b", "y", 1))
    one, other = data(user("a", "x"), user("b", "y!", 1)), data(user("a", "x"), user("b", "y?", 1))
    for merging in (merge, absorb):
        made = merging(base.replace(whole, torn), one, other)
        assert made.data == merging(None, one, other).data
