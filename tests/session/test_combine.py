"""One session from several: everything once, in order, with where it is from."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.session import codec
from chasm_git.session.combine import combine, combined_id
from chasm_git.session.model import Message, Session
from chasm_git.session.universal import universal


def at(minute: int) -> str:
    return f"2026-01-08T12:{minute:02}:00.000Z"


def talk(name: str, *messages: Message, provider: str = "p") -> Session:
    above = None
    for message in messages:
        message.after, above = above, message.id
    return Session(name, provider, created_at=messages[0].timestamp if messages else None, messages=list(messages))


def said(session: Session) -> list[str]:
    return [str(message.content) for message in session.messages]


def test_order_of_time_and_where_each_is_from() -> None:
    one = talk("a", Message("1", "user", at(0), "a0"), Message("2", "assistant", at(5), "a5"))
    two = talk("b", Message("3", "user", at(2), "b2"), Message("4", "assistant", at(9), "b9"), provider="q")
    made = combine([two, one])
    assert said(made) == ["a0", "b2", "a5", "b9"]
    assert [m.extra["from"] for m in made.messages[:2]] == [
        [{"provider": "p", "session": "a"}],
        [{"provider": "q", "session": "b"}],
    ]
    assert made.extra["merged_from"] == [{"provider": "p", "id": "a"}, {"provider": "q", "id": "b"}]
    assert (made.provider, made.title, made.created_at) == ("merged", "Merged: a0 + b2", at(0))
    assert codec.dumps(made) == codec.dumps(combine([one, two]))
    assert codec.loads(codec.dumps(made)) == made


def test_a_message_without_a_time_stays_behind_the_one_above() -> None:
    one = talk(
        "a",
        Message("0", "event", None, "none first"),
        Message("1", "user", at(3), "a3"),
        Message("2", "user", None, "x"),
    )
    two = talk("b", Message("3", "user", at(1), "b1"), Message("4", "user", at(4), "b4"))
    assert said(combine([one, two])) == ["b1", "none first", "a3", "x", "b4"]


def test_what_stands_twice_is_taken_once() -> None:
    whole = [Message(str(n), "user", at(n), f"text {n}") for n in range(3)]
    fork = [*(replace(m) for m in whole), Message("9", "user", at(9), "own")]
    copy = [Message(f"c{n}", "user", at(n), f"text {n}") for n in range(3)]
    made = combine([talk("a", *whole), talk("b", *fork), talk("c", *copy)])
    assert said(made) == ["text 0", "text 1", "text 2", "own"]
    assert made.messages[0].extra["from"] == [
        {"provider": "p", "session": "a"},
        {"provider": "p", "session": "b"},
        {"provider": "p", "session": "c", "id": "c0"},
    ]


def test_who_says_the_same_twice_said_it_twice() -> None:
    one = talk("a", Message("1", "user", at(0), "yes"), Message("2", "user", at(0), "yes"))
    assert said(combine([one, talk("b", Message("3", "user", at(1), "no"))])) == ["yes", "yes", "no"]


def test_one_id_for_two_different_messages() -> None:
    one = talk("a", Message("1", "user", at(0), "one", native={"id": {"$": "id"}}))
    two = talk("b", Message("1", "user", at(1), "two", native={"id": {"$": "id"}, "x": 1}))
    made = combine([one, two])
    assert said(made) == ["one", "two"] and [m.id for m in made.messages] == ["1", "b:1"]
    assert made.messages[1].extra["from"] == [{"provider": "p", "session": "b", "id": "1"}]
    assert (made.messages[0].native, made.messages[1].native) == ({"id": {"$": "id"}}, None)


def test_a_copy_that_grew_is_taken_whole() -> None:
    one = talk("a", Message("1", "assistant", at(0), "Let me"))
    two = talk("b", Message("1", "assistant", at(0), "Let me see."))
    assert said(combine([one, two])) == said(combine([two, one])) == ["Let me see."]


def test_calls_of_two_sessions_with_one_id_keep_their_results() -> None:
    def calling(name: str, minute: int) -> Session:
        call = {"type": "tool_call", "id": "call_1", "name": name, "arguments": {}}
        result = {"type": "tool_result", "id": "call_1", "content": f"of {name}"}
        return talk(
            name,
            Message(f"{name}1", "assistant", at(minute), [call], turn="1"),
            Message(f"{name}2", "tool", at(minute + 10), [result]),
        )

    shown = universal(combine([calling("a", 0), calling("b", 1)]))
    calls = {call["name"]: call["result"] for message in shown["messages"] for call in message["tool_calls"]}
    assert calls == {"a": "of a", "b": "of b"}


def test_sub_agents_stand_aside() -> None:
    agent = talk("agent", Message("1", "user", at(1), "look"))
    agent.parent = "a"
    made = combine([talk("a", Message("0", "user", at(0), "go")), agent])
    assert [message.sidechain for message in made.messages] == [False, True]


def test_merging_again_keeps_what_a_person_said_and_takes_what_is_new() -> None:
    one, two = talk("a", Message("1", "user", at(0), "a")), talk("b", Message("2", "user", at(5), "b"))
    before = combine([one, two])
    before.title, before.tags, before.extra["notes"] = "Mine", ["kept"], "note"
    before.messages[0] = Message("1", "user", at(0), after=None, deleted=True)
    one.messages.append(Message("3", "user", at(2), "new", after="1"))
    two.messages.clear()
    made = combine([two, one], before=before)
    assert (made.id, made.title, made.tags, made.extra["notes"]) == (before.id, "Mine", ["kept"], "note")
    assert [m.id for m in made.messages] == ["1", "3", "2"] and made.messages[0].deleted
    assert codec.dumps(combine([one, two], before=made)) == codec.dumps(made)


_messages = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(0, 9), st.sampled_from(["x", "xy", "z", ""])),
    max_size=6,
)


@settings(max_examples=80)
@given(st.lists(_messages, min_size=2, max_size=4))
def test_nothing_is_lost_and_the_order_of_sessions_does_not_matter(
    worlds: list[list[tuple[str, int | None, str]]],
) -> None:
    def sessions() -> list[Session]:
        made = []
        for number, world in enumerate(worlds):
            unique = {f"{name}": (minute, text) for name, minute, text in world}
            listed = [
                Message(name, "user", None if minute is None else at(minute), text)
                for name, (minute, text) in unique.items()
            ]
            made.append(talk(f"s{number}", *listed))
        return made

    first = combine(sessions())
    for order in itertools.islice(itertools.permutations(range(len(worlds))), 6):
        shuffled = sessions()
        assert codec.dumps(combine([shuffled[n] for n in order])) == codec.dumps(first)
    texts = {str(message.content) for message in first.messages}
    for session in sessions():
        for message in session.messages:
            assert any(text.startswith(str(message.content)) for text in texts)
            origin = {"provider": "p", "session": session.id}
            assert any(origin.items() <= one.items() for m in first.messages for one in m.extra["from"])
    named = sessions()
    random.Random(1).shuffle(named)
    assert combined_id(named) == first.id
    assert codec.loads(codec.dumps(first)) == first
