"""Who forked from whom: by what they share, and by what they say themselves."""

from __future__ import annotations

from chasm_git.harvest.lineage import forks
from chasm_git.session import codec
from chasm_git.session.model import Message, Session


def session(key: str, *minutes: int, forked_from: str | None = None) -> bytes:
    """A session with a message at each minute of an hour; two sessions share those of one minute."""
    made = Session(key, "pi", forked_from=forked_from)
    above = None
    for minute in minutes:
        identity = f"m{minute:02}"
        made.messages.append(Message(identity, "user", f"2026-01-10T12:{minute:02}:00.000Z", identity, after=above))
        above = identity
    return codec.dumps(made)


def found(**files: bytes) -> dict[str, str]:
    return forks([set(files)], files.__getitem__)


def test_the_first_to_go_its_own_way_is_the_original() -> None:
    assert found(a=session("a", 0, 1, 10), b=session("b", 0, 1, 20), c=session("c", 0, 1, 30)) == {"b": "a", "c": "a"}


def test_a_fork_of_a_fork_shares_more_with_it() -> None:
    files = {"a": session("a", 0, 1, 10), "b": session("b", 0, 1, 20, 21), "c": session("c", 0, 1, 20, 30)}
    assert found(**files) == {"b": "a", "c": "b"}


def test_what_a_fork_came_from_is_no_fork_of_it() -> None:
    original, fork = session("a", 0, 1, 20), session("b", 0, 1, 10, forked_from="a")  # continued after it was forked
    assert found(a=original, b=fork) == {}
    assert found(a=original, b=fork, c=session("c", 0, 1, 30)) == {"c": "a"}


def test_forks_that_say_so_may_be_origins_too() -> None:
    original, fork = session("a", 0, 1, 15), session("b", 0, 1, 20, forked_from="a")
    assert found(a=original, b=fork, c=session("c", 0, 1, 20, 30)) == {"c": "b"}
    assert found(b=fork, c=session("c", 0, 1, 20, 30, forked_from="gone")) == {}
