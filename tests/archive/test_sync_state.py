"""Three clones, anything in any order: harvests, edits, plain git, syncs. In the end all hold the same, all of it.

A ledger of every text that was ever said or written is kept beside. Each stands in the end under its message, unless a
person who saw it wrote another one in its place or forgot the message; and each is in the history, whatever became of
it.

``CHASM_SHARING_EXAMPLES`` and ``CHASM_SHARING_STEPS`` make the run a larger one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from chasm_git.archive import annotate, snapshot
from chasm_git.archive.archivestore import ArchiveStore
from chasm_git.archive.install import install
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from chasm_git.session import codec, words
from chasm_git.session.forgotten import DELETED
from chasm_git.session.join import tombstone
from tests.archive.machines import Machine, assert_unlocked, bare, until_quiet
from tests.harvest.making import row, write

CHECKOUT = Path(__file__).parents[2]
NAMES = ("laptop", "desktop", "server")
SESSIONS = [f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11" for number in range(2)]
EXAMPLES = int(os.environ.get("CHASM_SHARING_EXAMPLES", "15"))
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""In memory: waiting for the disk is most of the time else, and no power is cut here."""

machines = st.sampled_from(NAMES)
sessions = st.sampled_from(SESSIONS)
places = st.integers(0, 5)


class Ledger:
    """What was ever said in one session, and what people did to it."""

    def __init__(self):
        self.texts = {}  # message -> every text it ever had
        self.overruled = set()  # (message, text): somebody saw it and wrote something else
        self.forgotten = set()  # messages that are tombstones
        self.is_gone = False  # all of it was forgotten
        self.tags = set()
        self.dropped_tags = set()
        self.titles = set()
        self.notes = set()

    def say(self, message, text):
        self.texts.setdefault(message, set()).add(text)

    def lost(self, held):
        """What a session should hold and does not, in words."""
        there = {message.id: message for message in held.messages}
        if self.is_gone:
            if held.extra.get(DELETED) is not True or held.title or held.tags or words.note_of(held):
                yield "the session was forgotten and is back"
            if said := [message.id for message in held.messages if not message.deleted or kept_texts(message) != {""}]:
                yield f"the session was forgotten, but not {said}"
            return
        for identity, texts in self.texts.items():
            if identity not in there:
                yield f"message {identity} is gone"
                continue
            message = there[identity]
            kept = kept_texts(message)
            if identity in self.forgotten:
                if not message.deleted or kept != {""}:
                    yield f"message {identity} was forgotten and is back"
                continue
            if message.deleted:
                yield f"message {identity} was forgotten by nobody"
            if not kept & texts:
                yield f"message {identity} says nothing that anybody said"
            for text in texts:
                known = kept | {one for message, one in self.overruled if message == identity}
                if not any(one.startswith(text) for one in known):
                    yield f"{text!r} of {identity} is gone"
        if missing := self.tags - self.dropped_tags - set(held.tags):
            yield f"tags {missing} are gone"
        if missing := self.titles - titles_in(held):
            yield f"titles {missing} are gone, of {titles_in(held)}"
        note = words.note_of(held)
        if missing := {text for text in self.notes if text not in note}:
            yield f"notes {missing} are gone"


class Sharing(RuleBasedStateMachine):
    """What people and programs do to an archive that three machines share."""

    @initialize()
    def set_up(self):
        self.folder = Path(tempfile.mkdtemp(prefix="chasm-sharing-", dir=SCRATCH))
        hub = bare(self.folder / "hub.git")
        self.machines = {name: Machine(name, self.folder, hub) for name in NAMES}
        self.rows = {(name, session): [] for name in NAMES for session in SESSIONS}
        self.ledgers = {session: Ledger() for session in SESSIONS}
        self.counter = 0
        self.snapshots = set()
        self.talk(NAMES[0], SESSIONS[0], 3)
        self.harvest(NAMES[0])
        for name, machine in self.machines.items():
            self.sync(name)
            self.copy_home(name, NAMES[0], SESSIONS[0])
            install(machine.archive, python=sys.executable)

    def teardown(self):
        if not hasattr(self, "machines"):
            return
        try:
            self.compare()
        finally:
            for machine in self.machines.values():
                machine.archive.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # what clients do

    @rule(name=machines, session=sessions, count=st.integers(1, 3))
    def talk(self, name, session, count):
        rows = self.rows[name, session]
        for _ in range(count):
            number = self.count()
            rows.append(row(number, "user", f"said {number}.", session))
        self.write(name, session)

    @rule(name=machines, other=machines, session=sessions)
    def copy_home(self, name, other, session):
        """A person copies the client's file to another machine, over what is there."""
        if rows := self.rows[other, session]:
            self.rows[name, session] = list(rows)
            self.write(name, session)

    @rule(name=machines, session=sessions, at_the_end=st.booleans())
    def shrink(self, name, session, at_the_end):
        """The client drops the beginning of a session, or its end."""
        rows = self.rows[name, session]
        if len(rows) > 1:
            del rows[-1 if at_the_end else 0]
            self.write(name, session)

    @rule(name=machines, session=sessions, place=places, grows=st.booleans())
    def rewrite(self, name, session, place, grows):
        """The client puts another text in the place of one, or a longer one."""
        rows = self.rows[name, session]
        if rows:
            old = rows[place % len(rows)]
            before = old["message"]["content"]
            text = f"{before} and {self.count()}." if grows else f"rewritten {self.count()}."
            rows[place % len(rows)] = old | {"message": {"role": "user", "content": text}}
            self.write(name, session)

    # what we do

    @rule(name=machines)
    def harvest(self, name):
        machine = self.machines[name]
        report = harvest(machine.archive, Env(self.folder / f"home-{name}"), name, names=["claude-code"])
        assert [problem for problem in report.problems if problem.fatal] == []
        for session, ledger in self.ledgers.items():
            for one in self.rows[name, session]:
                ledger.say(one["uuid"], one["message"]["content"])

    @rule(name=machines)
    def sync(self, name):
        self.machines[name].sync()

    @rule(name=machines)
    def snapshot(self, name):
        if self.machines[name].archive.head() is not None:
            made = f"shot-{self.count()}"
            snapshot.take(self.machines[name].archive, made)
            self.snapshots.add(made)

    # what people do

    @rule(name=machines, session=sessions, place=places)
    def edit_a_message(self, name, session, place):
        """By hand in the worktree, then a plain commit."""
        file, held, message = self.find(name, session, place)
        if message is not None:
            ledger, text = self.ledgers[session], f"edited {self.count()}."
            ledger.overruled.add((message.id, message.content))
            message.content = text
            ledger.say(message.id, text)
            self.commit(name, file, held)

    @rule(name=machines, session=sessions, place=places)
    def decide(self, name, session, place):
        """Of several texts of a message the one that is shown is the one that stays."""
        file, held, message = self.find(name, session, place)
        if message is not None and message.variants:
            known = {value.get("content", "") for value in message.variants}
            self.ledgers[session].overruled |= {(message.id, text) for text in known - {message.content}}
            message.variants = []
            self.commit(name, file, held)

    @rule(name=machines, session=sessions, place=places)
    def forget_a_message(self, name, session, place):
        file, held, message = self.find(name, session, place)
        if message is not None:
            self.ledgers[session].forgotten.add(message.id)
            held.messages = [tombstone(one) if one is message else one for one in held.messages]
            self.commit(name, file, held)

    @rule(name=machines, session=st.just(SESSIONS[-1]))
    def forget_a_session(self, name, session):
        _, held, _ = self.find(name, session)
        if held is not None:
            ArchiveStore(self.machines[name].archive).delete(session)
            self.ledgers[session].is_gone = True

    @rule(name=machines, session=sessions, takes_one=st.booleans())
    def tag(self, name, session, takes_one):
        file, held, _ = self.find(name, session)
        if held is not None:
            text, ledger = f"tag-{self.count()}", self.ledgers[session]
            gone = set(held.tags[:1]) if takes_one else set()
            held.tags = sorted({*held.tags, text} - gone)
            ledger.tags.add(text)
            ledger.dropped_tags |= gone
            self.commit(name, file, held)

    @rule(name=machines, session=sessions)
    def title(self, name, session):
        _, held, _ = self.find(name, session)
        if held is not None:
            text, titles = f"Title {self.count()}.", self.ledgers[session].titles
            titles -= titles_in(held)  # somebody saw them all and decided
            titles.add(text)
            annotate.title(self.machines[name].archive, f"claude-code/{session}", text)

    @rule(name=machines, session=sessions)
    def note(self, name, session):
        _, held, _ = self.find(name, session)
        if held is not None:
            text = f"Remark {self.count()}."
            annotate.note(self.machines[name].archive, f"claude-code/{session}", lambda old: f"{old}\n{text}".strip())
            self.ledgers[session].notes.add(text)

    @rule(name=machines, by_pulling=st.booleans())
    def merge_with_git(self, name, by_pulling):
        if by_pulling:
            self.git(name, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main", ok=(0, 1))
        elif self.fetched(name):
            self.git(name, "merge", "-q", "--no-edit", "origin/main", ok=(0, 1))
        if self.git(name, "diff", "--name-only", "--diff-filter=U"):
            for file in self.machines[name].path.glob("sessions/**/*.yaml"):
                codec.loads(file.read_bytes())  # complete as it stands: both texts are in the file
            self.git(name, "add", "-A")
            self.git(name, "commit", "-q", "--no-edit")

    @rule(name=machines, by_pulling=st.booleans())
    def rebase_with_git(self, name, by_pulling):
        if not self.fetched(name):
            return
        command = ("pull", "-q", "--rebase", "origin", "main") if by_pulling else ("rebase", "-q", "origin/main")
        self.git(name, *command, ok=(0, 1))
        for _ in range(100):
            if not (self.machines[name].path / ".git" / "rebase-merge").exists():
                return
            self.git(name, "add", "-A")
            self.git(name, "-c", "core.editor=true", "rebase", "--continue", ok=(0, 1))
        raise AssertionError("the rebase does not end")

    # how it is done

    def count(self):
        self.counter += 1
        return self.counter

    def write(self, name, session):
        write(self.folder / f"home-{name}", self.rows[name, session], session)

    def git(self, name, *arguments, ok=(0,)):
        done = subprocess.run(
            ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments],
            cwd=self.machines[name].path,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
        )
        assert done.returncode in ok, (arguments, done.stdout, done.stderr)
        return done.stdout.decode().strip()

    def fetched(self, name):
        """Fetch; says whether there is anything."""
        self.git(name, "fetch", "-q", "origin")
        return bool(self.git(name, "rev-parse", "-q", "--verify", "origin/main", ok=(0, 1)))

    def find(self, name, session, place=0):
        """The file of a session in a worktree, what it holds, and one of its messages that was not forgotten."""
        files = list(self.machines[name].path.glob(f"sessions/**/{session}.yaml"))
        assert len(files) <= 1
        if not files:
            return None, None, None
        held = codec.loads(files[0].read_bytes())
        if held.extra.get(DELETED) is True:
            return None, None, None
        left = [message for message in held.messages if not message.deleted]
        return files[0], held, left[place % len(left)] if left else None

    def commit(self, name, file, held):
        file.write_bytes(codec.dumps(held))
        self.git(name, "add", "-A")
        self.git(name, "commit", "-q", "-m", "by hand")

    def compare(self):
        until_quiet(list(self.machines.values()))
        machine = self.machines[NAMES[0]]
        history = self.history(NAMES[0])
        for session, ledger in self.ledgers.items():
            if ledger.texts:
                assert list(ledger.lost(machine.session(session))) == []
            for identity, texts in ledger.texts.items():
                if not ledger.is_gone and identity not in ledger.forgotten:  # else it may never have been taken
                    assert [text for text in texts if text.encode() not in history] == []
        for path in machine.files():
            assert "~" not in path, "nothing had to be kept apart"
        for name in NAMES:
            assert set(self.git(name, "tag").split()) == self.snapshots
            assert_unlocked(self.machines[name].archive)

    def history(self, name):
        """Everything that can be reached from the branch, in one piece."""
        listed = self.git(name, "rev-list", "--objects", "--no-object-names", "HEAD")
        return subprocess.run(
            ["git", "cat-file", "--batch"],
            cwd=self.machines[name].path,
            input=listed.encode() + b"\n",
            capture_output=True,
            check=True,
        ).stdout


def titles_in(session):
    """Every title a session goes by."""
    return {session.title, *session.extra.get("alternatives", {}).get("title", [])}


def kept_texts(message):
    """Every text a message holds."""
    return {message.content, *(value.get("content", "") for value in (*message.variants, *message.replaced))}


TestSharing = Sharing.TestCase
TestSharing.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=int(os.environ.get("CHASM_SHARING_STEPS", "30")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    # making a counterexample smaller takes longer than anybody waits for a test that passes
    phases=set(Phase) - ({Phase.shrink, Phase.explain} if EXAMPLES <= 15 else set()),
)
