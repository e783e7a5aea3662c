"""A decision is made once: no older state of the session, in any order, makes a conflict of it again."""

from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chasm_git.session import codec, resolve, words
from chasm_git.session.encode import dumps
from chasm_git.session.merge import absorb, merge
from chasm_git.session.model import Message, Session
from chasm_git.session.resolve import Both, Decision, NotWaiting, Pick, Write
from chasm_git.session.summary import summarize
from tests.property import laws, worlds


def data(*messages, **fields):
    above = None
    for message in messages:
        message.after = above
        above = message.id
    return dumps(Session("s", "codex", messages=list(messages), **fields))


def user(identity, text, **fields):
    return Message(identity, "user", "2026-01-08T12:00:00.000Z", text, **fields)


def texts(raw):
    return [message.content for message in codec.loads(raw).messages]


def about(choice, identity="a"):
    return [Decision("message", identity, choice)]


def about_title(choice):
    return [Decision("key", "title", choice)]


BASE = data(user("a", "one"), user("b", "behind"))
OURS = data(user("a", "mine"), user("b", "behind"))
THEIRS = data(user("a", "yours"), user("b", "behind"))
WAITING = merge(BASE, OURS, THEIRS).data


def number(raw, text, identity="a"):
    message = next(one for one in codec.loads(raw).messages if one.id == identity)
    return [body.message.content for body in resolve.versions(message)].index(text)


def pick(raw, text):
    return resolve.resolved(raw, about(Pick((number(raw, text),))))


def every_merge(*states):
    """What all orders of merging give, without a base and with the one all come from."""
    found = set()
    for base in (None, BASE):
        for first, *rest in permutations(states):
            made = first
            for state in rest:
                made = merge(base, made, state).data
            found.add(made)
    return found


@pytest.mark.parametrize("text", ["mine", "yours"])
def test_a_choice_stays_and_the_other_text_can_be_read(text):
    made = pick(WAITING, text)
    assert texts(made) == [text, "behind"]
    message = codec.loads(made).messages[0]
    assert message.variants == []
    assert {value["content"] for value in message.replaced} == {"mine", "yours"} - {text}
    assert laws.waiting(made) == 0
    assert codec.is_canonical(made)


@pytest.mark.parametrize("text", ["mine", "yours"])
def test_no_older_state_brings_the_loser_back(text):
    made = pick(WAITING, text)
    assert every_merge(made, WAITING) == {made}
    assert every_merge(made, OURS) == {made}
    assert every_merge(made, THEIRS) == {made}
    assert every_merge(made, OURS, THEIRS, WAITING) == {made}


def test_a_later_harvest_does_not_either():
    made = pick(WAITING, "mine")
    grown = codec.loads(made)
    grown.messages.append(user("c", "later"))
    for fresh in (THEIRS, OURS, data(user("a", "yours"), user("b", "behind"), user("c", "later"))):
        for known in (None, THEIRS, OURS):
            after = absorb(known, made, fresh)
            if known is None or texts(known)[0] == texts(fresh)[0]:
                assert laws.waiting(after.data) == 0
                assert texts(after.data)[0] == "mine"


def test_a_session_that_went_on_elsewhere_keeps_the_decision():
    on = data(user("a", "yours"), user("b", "behind"), user("c", "later"))
    after = merge(WAITING, pick(WAITING, "mine"), merge(WAITING, WAITING, on).data)
    assert (after.conflicts, texts(after.data)) == ([], ["mine", "behind", "later"])


def test_two_decisions_that_agree_are_one():
    assert every_merge(pick(WAITING, "mine"), pick(WAITING, "mine"), THEIRS) == {pick(WAITING, "mine")}


def test_two_decisions_that_differ_are_a_conflict_and_the_next_one_ends_it():
    one, other = pick(WAITING, "mine"), pick(WAITING, "yours")
    clash = merge(WAITING, one, other)
    assert [conflict.where for conflict in clash.conflicts] == ["a"]
    assert every_merge(one, other) == {clash.data} == every_merge(one, other, WAITING, OURS, THEIRS)
    last = pick(clash.data, "yours")
    assert texts(last)[0] == "yours"
    assert every_merge(last, one, other, WAITING, OURS) == {last}


def test_the_later_decision_counts_where_the_first_was_known():
    first = pick(WAITING, "mine")
    again = codec.loads(first)
    again.messages[0] = resolve.keep(again.messages[0], [resolve.from_value("a", again.messages[0].replaced[0])])
    assert texts(dumps(again))[0] == "yours"
    assert every_merge(dumps(again), first, WAITING, OURS, THEIRS) == {dumps(again)}


def test_both_stay_as_messages_and_nothing_waits():
    made = resolve.resolved(WAITING, about(Both()))
    said = texts(made)
    assert sorted(said[:2]) == ["mine", "yours"] and said[2] == "behind"
    assert laws.waiting(made) == 0
    assert every_merge(made, WAITING, OURS, THEIRS) == {made}
    assert resolve.resolved(WAITING, about(Both())) == made
    picked = merge(WAITING, made, pick(WAITING, said[0]))
    assert (picked.conflicts, picked.data) == ([], made)


def test_the_message_beside_has_no_record_to_give_to_the_provider_twice():
    one, other = (data(user("a", text, native={"message": {"$": "content"}})) for text in ("mine", "yours"))
    made = codec.loads(resolve.resolved(merge(None, one, other).data, about(Both())))
    assert [message.native is None for message in made.messages] == [False, True]
    assert [len(message.replaced) for message in made.messages] == [1, 0]


@pytest.mark.parametrize("text", ["mine and yours", "m", "", "yours truly"])
def test_a_text_of_ones_own_takes_the_place_of_both(text):
    made = resolve.resolved(WAITING, about(Write(text)))
    assert texts(made)[0] == text
    assert laws.waiting(made) == 0
    assert every_merge(made, WAITING, OURS, THEIRS) == {made}


def test_a_text_cut_down_twice_stays_cut_down():
    first = resolve.resolved(WAITING, about(Write("min")))
    clash = merge(None, first, pick(WAITING, "yours")).data
    again = resolve.resolved(clash, about(Write("mi")))
    assert texts(again)[0] == "mi"
    assert every_merge(again, first, clash, WAITING, OURS, THEIRS) == {again}


def test_a_record_made_of_slices_of_the_text_does_not_outlive_it():
    kept = {"parts": [{"$slice": "content", "at": [0, 3]}]}
    clash = merge(None, data(user("a", "mine", native=kept)), data(user("a", "yours"))).data
    message = codec.loads(resolve.resolved(clash, about(Write("else")))).messages[0]
    assert message.native is None
    assert kept in [value.get("native") for value in message.replaced]


def test_nothing_waits_nothing_is_decided():
    for choice in (Pick(), Both(), Write("x")):
        with pytest.raises(NotWaiting):
            resolve.resolved(BASE, about(choice))
        with pytest.raises(NotWaiting):
            resolve.resolved(BASE, about(choice, "nobody"))
        with pytest.raises(NotWaiting):
            resolve.resolved(BASE, about_title(choice))
    with pytest.raises(IndexError):
        resolve.resolved(WAITING, about(Pick((7,))))


def test_three_texts_two_stay_and_wait():
    wide = merge(None, WAITING, data(user("a", "third"), user("b", "behind"))).data
    kept = (number(wide, "mine"), number(wide, "third"))
    made = resolve.resolved(wide, about(Pick(kept)))
    assert laws.waiting(made) == 1
    assert every_merge(made, wide, OURS, THEIRS) == {made}


def test_which_version_was_whose_and_which_is_the_most_recent():
    bodies = resolve.versions(codec.loads(WAITING).messages[0])
    mine = number(WAITING, "mine")
    assert resolve.said_by(bodies, codec.loads(OURS).messages[0]) == mine
    assert resolve.said_by(bodies, user("a", "min")) == mine
    assert resolve.said_by(bodies, user("a", "else")) is None
    assert resolve.said_by(bodies, codec.loads(WAITING).messages[0]) is None
    assert resolve.latest(bodies, [float(n == mine) for n in range(2)]) == mine
    bodies[1 - mine].message.timestamp = "2027-01-01T00:00:00.000Z"
    assert resolve.latest(bodies, [float(n == mine) for n in range(2)]) == 1 - mine


# --- keys of the header ----------------------------------------------------------------------------------------------


def titled(title, **extra):
    return data(user("a", "one"), title=title, extra=extra)


T_BASE, T_OURS, T_THEIRS = titled("t"), titled("mine"), titled("yours")
T_WAITING = merge(T_BASE, T_OURS, T_THEIRS).data


def entitle(raw, title):
    held = resolve.values(codec.loads(raw), "title")
    return resolve.resolved(raw, about_title(Pick((held.index(title),))))


def every_title(*states):
    return {codec.loads(raw).title for raw in every_merge(*states)}, {laws.waiting(raw) for raw in every_merge(*states)}


@pytest.mark.parametrize("title", ["mine", "yours"])
def test_a_title_decided_for_stays(title):
    made = entitle(T_WAITING, title)
    assert codec.loads(made).title == title
    assert laws.waiting(made) == 0
    assert b'"over":true' in made.replace(b" ", b"").replace(b"over:", b'"over":')
    for others in ((T_WAITING,), (T_OURS,), (T_THEIRS,), (T_OURS, T_THEIRS, T_WAITING)):
        assert every_merge(made, *others) == {made}


def test_titles_decided_differently_are_a_conflict_and_the_next_one_ends_it():
    one, other = entitle(T_WAITING, "mine"), entitle(T_WAITING, "yours")
    clash = merge(T_WAITING, one, other)
    assert [conflict.where for conflict in clash.conflicts] == ["title"]
    assert every_merge(one, other) == {clash.data}
    last = entitle(clash.data, "mine")
    assert every_merge(last, one, other, T_WAITING, T_OURS) == {last}


def test_a_title_of_ones_own_beats_what_providers_say():
    made = resolve.resolved(T_WAITING, about_title(Write("ours")))
    assert codec.loads(made).extra["title_by"] == "user"
    assert every_merge(made, T_WAITING, T_OURS, T_THEIRS) == {made}
    assert codec.loads(absorb(T_OURS, made, titled("generated anew")).data).title == "ours"


def test_a_provider_that_renames_a_session_later_is_heard():
    made = entitle(T_WAITING, "mine")
    assert codec.loads(absorb(T_OURS, made, titled("renamed")).data).title == "renamed"
    assert codec.loads(absorb(T_THEIRS, made, T_THEIRS).data).title == "mine"


def test_both_of_a_key_is_the_one_shown():
    made = resolve.resolved(T_WAITING, about_title(Both()))
    assert codec.loads(made).title == codec.loads(T_WAITING).title
    assert laws.waiting(made) == 0
    assert every_merge(made, T_WAITING, T_OURS, T_THEIRS) == {made}


def test_a_key_of_a_newer_version_is_decided_as_well():
    clash = merge(None, titled("t", zoom={"a": 1}), titled("t", zoom=[2])).data
    held = resolve.values(codec.loads(clash), "zoom")
    made = resolve.resolved(clash, [Decision("key", "zoom", Pick((held.index([2]),)))])
    assert codec.loads(made).extra["zoom"] == [2]
    assert every_merge(made, clash) == {made}


@pytest.mark.parametrize("odd", [1, "x", ["y"], {"title": "y"}, {"title": [{"value": "y", "revision": "z"}], "q": 3}])
def test_decisions_that_are_none_are_carried_along(odd):
    made = codec.loads(merge(None, titled("mine", decided=odd), titled("mine", tags=["t"])).data)
    again = codec.loads(merge(None, titled("yours", decided=odd), dumps(made)).data)
    assert "y" in str(again.extra["decided"]) or odd in (1, "x")
    assert again.extra["decided"] == made.extra["decided"] or again.extra["decided"]


# --- whatever the session --------------------------------------------------------------------------------------------


@st.composite
def decisions(draw, raw):
    """Decisions about some of what waits."""
    session = codec.loads(raw)
    made = []
    for message in session.messages:
        if message.variants and draw(st.booleans()):
            count = len(resolve.versions(message))
            made.append(Decision("message", message.id, draw(choices(count))))
    names = [name for name in resolve.alternatives(session) if draw(st.booleans())]
    return made + [Decision("key", name, draw(choices(len(resolve.values(session, name))))) for name in names]


def choices(count):
    picks = st.integers(0, count - 1).map(lambda n: Pick((n,)))
    return st.one_of(picks, picks, st.just(Both()), st.sampled_from(["a", "ab", "z"]).map(Write))


@st.composite
def decided_worlds(draw):
    """States of one session, some of them with decisions, and the conflict they are about."""
    _, *sides = draw(worlds.forks(3))
    clash = laws.merged(None, *sides[:2])
    states = []
    for _ in range(2):
        chosen = draw(decisions(clash))
        states.append(resolve.resolved(clash, chosen))
    assume(any(laws.waiting(state) < laws.waiting(clash) for state in states))
    return sides, clash, states


@settings(max_examples=25, deadline=None)
@given(decided_worlds())
def test_decisions_survive_whatever_is_merged_with_them(world):
    sides, clash, (one, other) = world
    for made in (one, other):
        for older in (clash, *sides[:2]):
            for known in (None, clash) if older == clash else (None,):
                after = laws.merged(known, made, older)
                assert after == laws.merged(known, older, made)
                assert laws.waiting(after) <= laws.waiting(made)
                assert laws.merged(None, after, made) == after


@settings(max_examples=25, deadline=None)
@given(decided_worlds())
def test_decided_sessions_obey_the_laws(world):
    sides, clash, states = world
    laws.commutative((clash, *states))
    laws.canonical((clash, *states))
    laws.idempotent((None, *states))
    laws.associative((None, *states, sides[2]))
    laws.associative((None, *states, clash))
    laws.criss_cross((clash, *states))
    laws.conflicts_are_new((clash, *states))
    for state in states:
        for identity, held in laws.states(clash).items():
            assert all(laws.is_held(body, laws.states(state)[identity]) for body in held.bodies)


def test_a_title_given_in_words_ends_the_conflict_for_good():
    made = words.edited(T_WAITING, lambda session: words.retitle(session, "ours"))
    assert codec.loads(made).title == "ours"
    assert every_merge(made, T_WAITING, T_OURS, T_THEIRS) == {made}
    again = words.edited(made, lambda session: words.retitle(session, "mine"))
    assert codec.loads(again).title == "mine"
    assert every_merge(again, made, T_WAITING) == {again}
    assert "decided" not in codec.loads(words.edited(T_OURS, lambda session: words.retitle(session, "x"))).extra


def test_a_summary_counts_what_waits_and_nothing_else():
    assert [summarize(raw).conflicts for raw in (BASE, WAITING, T_WAITING)] == [False, True, True]
    assert not summarize(pick(WAITING, "mine")).conflicts
    assert not summarize(entitle(T_WAITING, "mine")).conflicts
