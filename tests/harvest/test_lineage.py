"""Who forked from whom: by what they share, and by what they say themselves."""

from __future__ import annotations

from chasm_git.harvest.lineage import forks
from chasm_git.session import codec
from chasm_git.session.model import Message, Session


def session(key: str, *own: str, shared: int = 2, forked_from: str | None = None) -> bytes:
    """A session that begins with shared messages; `own` are the minutes of its other ones."""
    made = Session(key, "pi", forked_from=forked_from)
    above = None
    minutes = [*(f"{n:02}" for n in range(shared)), *own]
    for number, minute in enumerate(minutes):
        identity = f"m{number}" if number < shared else f"{key}-{minute}"
        made.messages.append(Message(identity, "user", f"2026-01-10T12:{minute}:00.000Z", minute, after=above))
        above = identity
    return codec.dumps(made)


def found(**files: bytes) -> dict[str, str]:
    return forks([set(files)], files.__getitem__)


def test_the_first_to_go_its_own_way_is_the_original() -> None:
    assert found(a=session("a", "10"), b=session("b", "20"), c=session("c", "30")) == {"b": "a", "c": "a"}


def test_a_fork_of_a_fork_shares_more_with_it() -> None:
    b, c = session("b", "20", shared=3), session("c", "30", shared=3)
    assert found(a=session("a", "10"), b=b, c=c) == {"b": "a", "c": "b"}


def test_what_a_fork_came_from_is_no_fork_of_it() -> None:
    fork = session("b", "10", forked_from="a")  # its original was continued later
    assert found(a=session("a", "20"), b=fork) == {}
    assert found(a=session("a", "20"), b=fork, c=session("c", "30")) == {"c": "a"}


def test_forks_that_say_so_may_be_origins_too() -> None:
    fork = session("b", "10", shared=3, forked_from="a")
    assert found(a=session("a", "20"), b=fork, c=session("c", "30", shared=3)) == {"c": "b"}
    both = session("c", "30", shared=3, forked_from="gone")
    assert found(b=fork, c=both) == {}
