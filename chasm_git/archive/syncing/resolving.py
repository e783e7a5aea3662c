"""Conflicts in session files brought to an end: what there is to decide, and the decisions as one commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout, naming
from chasm_git.archive.edit import Planned, commit_edit
from chasm_git.archive.plumbing.worktree import Kept
from chasm_git.archive.syncing.conflicts import undecided
from chasm_git.archive.syncing.origins import Origins
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session import codec, editing, jsonio, resolve
from chasm_git.session.display import gist
from chasm_git.session.header import alternatives
from chasm_git.session.model import Message, Session
from chasm_git.session.resolve import Both, Choice, Decision, Pick, Write

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Way = Literal["ours", "theirs", "both", "most-recent"]
Answer = Way | int | str
"""How a conflict ends: a way, the number of a version (from 1), or (with a ``=`` in front) a text in its place."""

_MOST = 200


class Undecidable(ChasmError):
    """A conflict cannot be ended in the way that was asked for; says why, and how it can."""


@dataclass(frozen=True, eq=False, slots=True)
class Question:
    """One conflict inside a session file."""

    id: str
    """Of the session."""
    provider: str
    path: str
    kind: Literal["message", "key"]
    where: str
    """Id of the message, name of the key."""
    texts: list[str]
    """What each version says, in full; the one shown first."""
    labels: list[str]
    """What each version is called: its number, and whose it was."""
    role: str | None
    mark: str
    """The same as long as the question is."""

    def document(self) -> str:
        """The versions as an editor opens them."""
        what = f"message {self.where} ({self.role})" if self.kind == "message" else f"the {self.where}"
        about = (
            f"This is {what} of the session {self.id}, as two sides have it.\n"
            "Make of it what it shall be, take the marks out, save. Saved without a change, it stays undecided."
        )
        return editing.document(self.texts, self.labels, about)

    def written(self, edited: str) -> str:
        """The answer that an edited document gives. Raises Undecidable where marks are left."""
        try:
            return "=" + editing.written(edited, self.texts, self.labels)
        except editing.NotMerged as error:
            raise Undecidable(f"{self.id}: {self.where}: {error}; nothing was changed") from None

    def difference(self) -> list[str]:
        """The versions as a unified diff."""
        return editing.difference(self.texts, self.labels)


@dataclass(frozen=True, slots=True)
class Ended:
    """A conflict that has come to its end."""

    id: str
    provider: str
    path: str
    kind: Literal["message", "key"]
    where: str
    how: str
    """``ours``, ``theirs``, ``both``, ``most-recent``, ``pick`` or ``edit``."""
    shown: str
    """What stands there now, a line of it."""


@dataclass(slots=True)
class Resolved:
    """What came of it."""

    commit: str | None = None
    ended: list[Ended] = field(default_factory=list)
    waiting: int = 0
    """Conflicts that were asked about and still wait."""
    refused: list[str] = field(default_factory=list)
    """Why some of them do, in words."""
    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet."""


def questions(
    archive: Archive, name: str | None = None, *, message: str | None = None, key: str | None = None
) -> list[Question]:
    """What waits inside session files, by path.

    Args:
        name: one session's; None: those of all.
        message, key: only of this message (or the only one that begins so), of this header key.

    Raises NoSuchSession, AmbiguousSession, ChasmError where a message or key was named and nothing waits on it.
    """
    head = archive.head()
    if head is None:
        return []
    if name is not None:
        paths = [naming.find_session(archive, name, head).path]
    else:
        paths = undecided(archive, archive.files(head))
    found = [one for path in paths for one in _questions(archive, head, path)]
    if message is None and key is None:
        return found
    chosen = [one for one in found if one.kind == ("message" if message is not None else "key")]
    wanted = message if message is not None else key
    exact = [one for one in chosen if one.where == wanted]
    if not exact and message is not None:
        exact = [one for one in chosen if one.where.startswith(message)]
        if len({one.where for one in exact}) > 1:
            raise UsageError(f"several messages begin with {message!r}: {', '.join(one.where for one in exact[:8])}")
    if not exact:
        what = "message" if message is not None else "key"
        raise ChasmError(f"no decision waits on {what} {wanted!r}; `chasm conflicts` lists what waits")
    return exact


def resolve_conflicts(archive: Archive, answers: Mapping[Question, Answer], *, dry_run: bool = False) -> Resolved:
    """End conflicts, in one commit; one that has become another meanwhile is left for the next time.

    Raises Undecidable where none of them can be ended in the way asked for.
    """
    made = Resolved()

    def plan(head: str | None) -> Planned:
        made.ended, made.refused, made.waiting = [], [], 0
        files: dict[str, bytes | None] = {}
        for path in dict.fromkeys(question.path for question in answers):
            mine = {question.mark: answer for question, answer in answers.items() if question.path == path}
            data = _decided(archive, head, path, mine, made) if head is not None else None
            if data is not None:
                files[path] = data
        made.waiting = len(answers) - len(made.ended)
        return Planned(files, _message(made.ended))

    done = commit_edit(archive, plan, dry_run=dry_run)
    made.commit, made.kept, made.pending = done.commit, done.kept, done.pending
    if not made.ended and made.refused:
        raise Undecidable("; ".join(made.refused[:3]))
    return made


def _questions(archive: Archive, head: str, path: str) -> Iterator[Question]:
    session = _session(archive, head, path)
    where = layout.parse_session_path(path)
    if session is None or where is None:
        return
    origins = _origins(archive, head, path, session)
    for found in _open(session, origins):
        labels = [f"{n} {found.whose(n - 1)}".rstrip() for n in range(1, len(found.texts) + 1)]
        mark = hashlib.sha256(jsonio.dumps([path, found.kind, found.where, found.texts])).hexdigest()
        yield Question(
            session.id, session.provider, path, found.kind, found.where, found.texts, labels, found.role, mark
        )


@dataclass(slots=True)
class _Open:
    """A conflict with all that tells its versions apart."""

    kind: Literal["message", "key"]
    where: str
    texts: list[str]
    ours: int | None
    came: Callable[[], int]
    """Gives the number of the most recent version."""
    content: Callable[[str], Write]
    """Makes an edited text what takes the place of the versions."""
    role: str | None = None

    def whose(self, number: int) -> str:
        if self.ours is None:
            return ""
        if number == self.ours:
            return "ours"
        return "theirs" if len(self.texts) == 2 else ""

    def choice(self, answer: Answer) -> tuple[Choice, str]:
        """What an answer means here, and its name. Raises Undecidable."""
        count = len(self.texts)
        if isinstance(answer, int):
            if not 1 <= answer <= count:
                raise Undecidable(f"{self.where}: there is no version {answer}; there are 1 to {count}")
            return Pick((answer - 1,)), "pick"
        if answer == "both":
            return Both(), "both"
        if answer == "most-recent":
            return Pick((self.came(),)), answer
        if answer.startswith("="):
            return self.content(answer[1:]), "edit"
        if self.ours is None:
            raise Undecidable(
                f"{self.where}: this archive got the versions together, or no more knows which one it had first; "
                f"say --pick N (1 to {count}) or --most-recent"
            )
        if answer == "ours":
            return Pick((self.ours,)), answer
        if count > 2:
            raise Undecidable(f"{self.where}: {count - 1} versions came from elsewhere; say --pick N (1 to {count})")
        return Pick((1 - self.ours,)), "theirs"


def _open(session: Session, origins: Origins) -> Iterator[_Open]:
    for name, others in alternatives(session).items():
        if others:
            yield _open_key(session, name, origins)
    for message in session.messages:
        if message.variants:
            yield _open_message(message, origins)


def _open_message(message: Message, origins: Origins) -> _Open:
    bodies = resolve.versions(message)
    texts = editing.texts_of(bodies)

    def latest() -> int:
        return resolve.latest(bodies, origins.came(bodies, message.id))

    def content(text: str) -> Write:
        if texts[0] != editing.text_of(bodies[0]):
            raise Undecidable(f"{message.id}: the versions say the same, only their records differ; say --pick N")
        return Write(editing.content_from(bodies[0], text))

    return _Open("message", message.id, texts, origins.ours(bodies, message.id), latest, content, message.role)


def _open_key(session: Session, name: str, origins: Origins) -> _Open:
    values = resolve.values(session, name)
    texts = [value if type(value) is str else jsonio.dumps(value).decode("utf-8", "replace") for value in values]

    def latest() -> int:
        times = origins.values_came(values, name)
        return times.index(max(times))

    def content(text: str) -> Write:
        if all(type(value) is str or value is None for value in values):
            return Write(" ".join(text.split()) if name == "title" else text)
        return Write(jsonio.loads(text.encode()))

    return _Open("key", name, texts, origins.our_value(values, name), latest, content)


def _origins(archive: Archive, head: str, path: str, session: Session) -> Origins:
    return Origins(archive, head, path, [message.id for message in session.messages if message.variants])


def _decided(archive: Archive, head: str, path: str, answers: Mapping[str, Answer], made: Resolved) -> bytes | None:
    """A session's file with the decisions in it; None where there are none left to make."""
    session = _session(archive, head, path)
    if session is None:
        return None
    origins = _origins(archive, head, path, session)
    decisions: list[tuple[Decision, str]] = []
    for found in _open(session, origins):
        mark = hashlib.sha256(jsonio.dumps([path, found.kind, found.where, found.texts])).hexdigest()
        if mark not in answers:
            continue
        try:
            choice, how = found.choice(answers[mark])
        except (Undecidable, ValueError) as error:
            made.refused.append(f"{session.id}: {error}")
            continue
        decisions.append((Decision(found.kind, found.where, choice), how))
    if not decisions:
        return None
    resolve.resolve(session, [decision for decision, _ in decisions])
    messages = {message.id: message for message in session.messages}
    for decision, how in decisions:
        if decision.kind == "message":
            shown = gist(messages[decision.where])
        else:
            shown = str(resolve.shown(session, decision.where))
        line = " ".join(shown.split())[:_MOST]
        made.ended.append(Ended(session.id, session.provider, path, decision.kind, decision.where, how, line))
    return codec.dumps(session)


def _session(archive: Archive, head: str, path: str) -> Session | None:
    """A session that can be read; `verify` names those that cannot."""
    try:
        return codec.loads(archive.read_path(head, path))
    except (KeyError, codec.CodecError):
        return None


def _message(ended: Sequence[Ended]) -> str:
    """What the log says: no word of what was said, for the log outlives what is forgotten."""
    count = len({one.path for one in ended})
    subject = f"resolve: {len(ended)} {'conflict' if len(ended) == 1 else 'conflicts'}"
    subject += f" ({ended[0].id})" if count == 1 else f" in {count} sessions"
    lines = [f"~ {one.provider} {one.id}  {one.kind} {one.where}: {one.how}" for one in ended[:_MOST]]
    return "\n".join([subject, "", *lines]) + "\n"
