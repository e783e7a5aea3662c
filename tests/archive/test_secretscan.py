"""Nothing leaves unseen: what a remote would get is looked at, once, and sent only when somebody has decided."""

import pytest

from chasm_git.archive.repo import MissingObject, init_archive, open_archive
from chasm_git.archive.secrets import secretmask, secretscan, secretsettings
from chasm_git.archive.secrets.secretcache import Cache
from chasm_git.archive.secrets.secretscan import SecretsLeaving, new_objects, scan_commit, scan_range
from chasm_git.archive.secrets.secretsettings import SecretSettings, parse
from chasm_git.archive.settings import with_added
from chasm_git.archive.syncing import remote
from chasm_git.archive.syncing.remote import add
from chasm_git.archive.syncing.report import Options
from chasm_git.archive.syncing.sync import sync
from chasm_git.session.attachments import path_of
from chasm_git.session.reference import ReferenceError
from chasm_git.session.secret_patterns import Pattern
from chasm_git.session.secrets import Scanner
from tests.archive.repository import PATH, run, save, session
from tests.session.fake_secrets import Fakes

FIRST, SECOND = PATH.format("1"), PATH.format("2")
TOKEN, OTHER = Fakes(41).github(), Fakes(42).github()
PRINT = Scanner().fingerprint(TOKEN.encode())


def nobody(done, total):
    pass


@pytest.fixture
def archive(tmp_path):
    run(tmp_path, "init", "-q", "--bare", "backup disk.git")
    with init_archive(tmp_path / "laptop") as made:
        add(made, "origin", str(tmp_path / "backup disk.git"))
        save(made, {FIRST: session(1, "hello")})
        yield made


def there(archive):
    place = remote.choose(archive).local_path
    return run(place, "rev-parse", "-q", "--verify", "main", ok=False)


def pushed(archive, **options):
    return sync(archive, "laptop", options=Options(**options))


def test_a_push_of_a_credential_is_refused_with_the_ways_on(archive):
    save(archive, {SECOND: session(2, "hello", f"use {TOKEN}")})
    with pytest.raises(SecretsLeaving) as raised:
        pushed(archive, pull=False)
    said = str(raised.value)
    assert there(archive) == "" and TOKEN not in said
    assert f"github-token ghp_… [{PRINT}] in codex s-2 message m1" in said
    assert f"chasm secrets mask s-2 | chasm secrets allow {PRINT}" in said and "--allow-secrets" in said
    pushed(archive, allow_secrets=True)
    assert there(archive) == archive.head()
    # what is there has left: only what is new is looked at
    save(archive, {FIRST: session(1, "hello", "more")})
    pushed(archive)
    assert there(archive) == archive.head()


def test_masked_in_the_latest_version_it_still_leaves_with_the_history(archive):
    save(archive, {FIRST: session(1, "hello", f"use {TOKEN}")})
    assert secretmask.mask(archive, "laptop", ["s-1"], progress=nobody).commit
    assert TOKEN.encode() not in archive.read(archive.files(archive.head())[FIRST])
    with pytest.raises(SecretsLeaving, match="in the history") as raised:
        pushed(archive)
    assert "secrets mask" not in str(raised.value)
    done = secretmask.allow(archive, "laptop", [PRINT], dry_run=False, progress=nobody)
    assert done.credentials == {PRINT: "in the history"}
    pushed(archive)
    assert there(archive) == archive.head()


def test_sync_takes_what_is_there_and_sends_nothing(archive, tmp_path):
    pushed(archive)
    place = str(remote.choose(archive).local_path)
    with init_archive(tmp_path / "tower") as tower:
        add(tower, "origin", place)
        sync(tower, "tower")
        save(tower, {SECOND: session(2, "from the tower")})
        run(tower.path, "tag", "-a", "-m", "x", "lunch")
        sync(tower, "tower")
    at = there(archive)
    save(archive, {FIRST: session(1, "hello", TOKEN)})
    with pytest.raises(SecretsLeaving, match="what was fetched is here: 1 file"):
        pushed(archive)
    assert there(archive) == at
    assert SECOND in archive.files(archive.head()) and (archive.path / SECOND).exists()
    assert run(archive.path, "tag") == "lunch"
    assert TOKEN.encode() in archive.read(archive.files(archive.head())[FIRST])
    secretmask.allow(archive, "laptop", ["s-1"], dry_run=False, progress=nobody)
    pushed(archive)
    assert there(archive) == archive.head()


@pytest.mark.parametrize(("mode", "notes"), [("warn", 1), ("off", 0)])
def test_other_modes(archive, mode, notes):
    save(archive, {FIRST: session(1, TOKEN), "chasm.yaml": f"secrets:\n  push: {mode}\n".encode()})
    report = pushed(archive)
    assert there(archive) == archive.head()
    assert sum("[" + PRINT in note for note in report.notes) == notes


def test_a_remote_that_lost_everything_is_a_new_one(archive, tmp_path):
    save(archive, {FIRST: session(1, TOKEN)})
    pushed(archive, allow_secrets=True)
    place = remote.choose(archive).local_path
    run(place, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(SecretsLeaving):
        pushed(archive)


def test_commit_messages_tags_attachments_and_other_files_are_looked_at(archive):
    data = f"log\n{TOKEN}".encode()
    name = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.txt"
    save(archive, {path_of(name): data, "notes.md": OTHER.encode()}, message=f"harvest: {Fakes(43).github()}")
    run(archive.path, "tag", "-a", "-m", f"say {Fakes(44).github()}", "lunch")
    with pytest.raises(SecretsLeaving) as raised:
        pushed(archive)
    found = raised.value.found
    assert {one.path for one in found} == {"", "notes.md", path_of(name)}
    assert len({one.seen.fingerprint for one in found}) == 4
    assert "message of commit" in str(raised.value)


def test_nothing_is_looked_at_twice(archive, monkeypatch):
    save(archive, {SECOND: session(2, f"use {TOKEN}")})
    first = scan_commit(archive, archive.head(), None, nobody)
    assert [one.seen.fingerprint for one in first.open] == [PRINT]
    file = archive.state_dir / "secrets"
    assert TOKEN.encode() not in file.read_bytes()
    looked = []
    real = secretscan.look
    monkeypatch.setattr(
        secretscan, "look", lambda data, path, scanner: looked.append(path) or real(data, path, scanner)
    )
    assert scan_commit(archive, archive.head(), None, nobody).found == first.found
    assert looked == []
    # a line that a power cut tore costs one look, other patterns cost all of them, and so does no file
    file.write_bytes(file.read_bytes()[:-20])
    assert scan_commit(archive, archive.head(), None, nobody).found == first.found
    assert len(looked) == 1
    save(archive, {"chasm.yaml": b"secrets:\n  patterns:\n    greeting: 'hel[l]o'\n"})
    assert {one.seen.rule for one in scan_commit(archive, archive.head(), None, nobody).found} == {
        "github-token",
        "greeting",
    }
    file.unlink()
    assert len(scan_commit(archive, archive.head(), None, nobody).found) == 2


def test_many_files_are_looked_at_on_all_cores(archive, monkeypatch):
    save(archive, {PATH.format(n): session(n, f"use {TOKEN}" if n % 50 == 0 else "x") for n in range(1, 451)})
    monkeypatch.setattr(secretscan, "_WORTH_IT", 10_000)
    one = scan_commit(archive, archive.head(), None, nobody)
    (archive.state_dir / "secrets").unlink()
    monkeypatch.setattr(secretscan, "_WORTH_IT", 100)
    counts = []
    several = scan_commit(archive, archive.head(), None, lambda done, total: counts.append((done, total)))
    assert several.found == one.found and len(one.found) == 9
    assert counts[-1][0] == counts[-1][1] >= 450


def test_a_pattern_that_takes_too_long_costs_itself_alone(archive, monkeypatch):
    save(archive, {SECOND: session(2, f"use {TOKEN}")})
    monkeypatch.setattr(Pattern, "find", _too_slow)
    settings = parse(b"secrets:\n  patterns:\n    slow: 'x{1,40}y'\n")
    assert settings.patterns
    objects = [secretscan.Object(blob, path) for path, blob in archive.files(archive.head()).items()]
    found = secretscan.scan(archive, objects, set(), settings, nobody)
    assert [one.seen.rule for one in found.found] == ["github-token"]
    assert len(found.problems) == len(objects) and "slow takes too long" in found.problems[0]


def _too_slow(self, data, seconds=None):
    from chasm_git.session.secret_patterns import TooSlow

    raise TooSlow(self.name)
    yield


def test_a_range_of_commits(archive):
    before = archive.head()
    save(archive, {FIRST: session(1, "hello", TOKEN)})
    save(archive, {FIRST: session(1, "hello", OTHER)})
    found = scan_range(archive, [archive.head(), f"^{before}"], nobody).found
    assert [(one.seen.fingerprint == PRINT, one.is_latest) for one in found] == [(False, True), (True, False)]
    assert new_objects(archive, [before], [before]) == []


def test_an_attachment_that_nobody_names_any_more_goes(archive):
    from chasm_git.session import attachments, codec
    from chasm_git.session.model import Message, Session

    held = {}
    text = attachments.store_text(f"a long log\n{TOKEN}\n" + "x\n" * 40_000, held)
    (old,) = held
    one = Session("s-2", "codex", messages=[Message("m", "user", content=[{"type": "text", "text": text}])])
    save(archive, {SECOND: codec.dumps(one), **{path_of(name): data for name, data in held.items()}})
    done = secretmask.mask(archive, "laptop", None, progress=nobody)
    files = archive.files(archive.head(), "attachments")
    assert done.attachments == [old] and path_of(old) not in files and len(files) == 1
    assert TOKEN.encode() not in archive.read(next(iter(files.values())))
    assert scan_commit(archive, archive.head(), None, nobody).found == []
    run(archive.path, "diff", "--exit-code", "HEAD")


def test_a_session_that_names_the_beginning_of_a_fingerprint_is_not_allowed_by_chance(archive):
    from chasm_git.errors import UsageError

    save(archive, {"sessions/codex/undated/abcdef12.yaml": session(1, "x").replace(b"id: s-1", b"id: abcdef12", 1)})
    with pytest.raises(UsageError, match="write more of it"):
        secretmask.allow(archive, "laptop", ["abcdef12"], dry_run=False, progress=nobody)


def test_settings_being_edited_get_the_decision_too(archive):
    mine = "# my words\nconflicts: keep-both  # for now\n"
    (archive.path / "chasm.yaml").write_text(mine)
    save(archive, {SECOND: session(2, TOKEN)})
    done = secretmask.allow(archive, "laptop", ["s-2"], dry_run=False, progress=nobody)
    text = (archive.path / "chasm.yaml").read_text()
    assert text.startswith(mine) and PRINT in text and done.kept == []
    committed = archive.read_path(archive.head(), "chasm.yaml").decode()
    assert PRINT in committed and "keep-both" not in committed


# ---- the file


def test_settings_are_read_with_their_lines():
    text = b"""\
redact: mask
secrets:
  push: maybe
  allow: [12345678, 00001234, '1e345678', nonsense]
  mask: [url-password, acme, other]
  skip: [jwt, jwx]
  more: 1
  patterns:
    acme: 'ACME-[0-9]{8}'
    bad: '(a+)+b'
    worse: '['
"""
    found = parse(text)
    assert (found.redact, found.push) == ("mask", "refuse")
    assert found.allow == {"12345678", "00001234", "1e345678"} and found.mask == {"url-password", "acme"}
    assert found.skip == {"jwt"} and [one.name for one in found.patterns] == ["acme"]
    assert sorted(said.split(":")[1] for said in found.problems) == sorted(["3", "4", "5", "6", "7", "10", "11"])
    assert parse(b"# nothing\n\n") == SecretSettings() == parse(b"redact: warn\n")
    assert parse(b"redact: off\n").redact == "off" == parse(b"redact: false\n").redact
    for odd in (b"secrets: [1]\n", b"secrets:\n  patterns: x\n", b"secrets:\n  allow: x\n", b"redact: [x]\n"):
        assert len(parse(odd).problems) == 1


def test_decisions_are_added_and_all_else_stays():
    for text in ("", "# only words\n", "a: 1  # one\n\n# two\n", 'secrets:\n  # mine\n  allow: ["12345678"]\n# end\n'):
        made = with_added(text.encode(), ("secrets", "allow"), {"00001234": "jwt", "1e345678": "npm-token"})
        assert {"00001234", "1e345678"} <= parse(made).allow and parse(made).problems == ()
        assert all(line.strip() in made.decode() for line in text.splitlines() if "#" in line)
        assert with_added(made, ("secrets", "allow"), {"00001234": "jwt"}) == made
    for odd in (b"secrets: x\n", b"secrets:\n  allow: x\n", b"a: [\n"):
        with pytest.raises(ReferenceError):
            with_added(odd, ("secrets", "allow"), {"00001234": "jwt"})


def test_another_process_may_add_at_the_same_time(archive):
    one, other = Cache(archive, "x"), Cache(archive, "x")
    one.add({"a" * 40: []})
    other.add({"b" * 40: []})
    one.add({"c" * 40: []})
    assert set(Cache(archive, "x").read()) == {"a" * 40, "b" * 40, "c" * 40}
    assert Cache(archive, "y").read() == {}


def test_settings_that_a_partial_clone_lacks_are_not_taken_for_none(tmp_path):
    with init_archive(tmp_path / "hub.git", bare=True) as hub:
        save(hub, {"chasm.yaml": b"redact: mask\nsecrets:\n  mask: ['11111111']\n", FIRST: session(1, "a")})
        run(hub.git_dir, "config", "uploadpack.allowFilter", "true")
        run(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", hub.git_dir.as_uri(), "clone.git")
    with open_archive(tmp_path / "clone.git") as archive:
        with pytest.raises(MissingObject):
            secretsettings.read(archive)
        with pytest.raises(MissingObject):
            secretmask.allow(archive, "laptop", ["22222222"], dry_run=False, progress=nobody)
