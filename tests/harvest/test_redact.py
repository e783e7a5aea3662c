"""Credentials in what a harvest reads: told of once, or masked before anything is written, everywhere the same."""

import subprocess
from pathlib import Path

import pytest

from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.secrets import secretmask
from chasm_git.archive.secrets.secretsettings import SettingsUnclear
from chasm_git.harvest.importing import import_files
from chasm_git.harvest.read import Options
from chasm_git.harvest.run import harvest
from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.session import codec
from chasm_git.session.attachments import TEXT_LIMIT
from chasm_git.session.secrets import MASK, Scanner
from tests.archive.repository import committed, fsck
from tests.harvest.making import SESSION, row, talk, write
from tests.session.fake_secrets import Fakes

TOKEN, OTHER = Fakes(31).github(), Fakes(32).github()
LEAK = row(4, "user", f"here it is: {TOKEN}, use it")
LONG = "a line of a log\n" * (TEXT_LIMIT // 10)


def run(archive, home, machine="laptop", **asked):
    with open_archive(archive) as opened:
        return harvest(opened, Env(home), machine, options=Options(**asked))


def configure(archive, text):
    with (archive / "chasm.yaml").open("a") as file:
        file.write(text)
    subprocess.run(["git", "-C", archive, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qam", "settings"])


def objects(archive):
    """Every object of a repository, one after the other."""
    command = ["git", "-C", archive, "cat-file", "--batch", "--batch-all-objects"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def told(report):
    return [(result.id, seen.message, seen.rule, seen.shown, seen.times) for result, seen in report.secrets]


def session_of(archive):
    (data,) = (data for name, data in committed(archive).items() if SESSION in name)
    return data


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def archive(tmp_path):
    init_archive(tmp_path / "archive").close()
    return tmp_path / "archive"


def test_one_that_comes_in_is_told_of_once(archive, home):
    write(home, [*talk(4), LEAK])
    first = run(archive, home)
    assert told(first) == [(SESSION, "00000004-0000-4000-8000-000000000000", "github-token", "ghp_…", 1)]
    assert TOKEN not in repr(first.as_json()) and TOKEN.encode() in session_of(archive)
    write(home, [*talk(4), LEAK, row(5, "assistant", "done")])
    again = run(archive, home)
    assert again.commit and told(again) == []
    write(home, [*talk(4), LEAK, row(5, "assistant", "done"), row(6, "user", f"and {OTHER} {OTHER}")])
    assert [(rule, times) for _, _, rule, _, times in told(run(archive, home))] == [("github-token", 2)]


def test_a_message_that_grew_is_not_told_of_again(archive, home):
    write(home, [*talk(4), row(4, "assistant", f"it is {TOKEN}")])
    assert len(told(run(archive, home))) == 1
    write(home, [*talk(4), row(4, "assistant", f"it is {TOKEN}, and now you know")])
    grown = run(archive, home)
    assert grown.commit and told(grown) == []


def test_off_and_what_was_allowed(archive, home):
    write(home, [*talk(4), LEAK])
    assert told(run(archive, home, redact="off", dry=True)) == []
    assert len(told(run(archive, home, dry=True))) == 1
    configure(archive, f'secrets:\n  allow: ["{Scanner().fingerprint(TOKEN.encode())}"]\n')
    assert told(run(archive, home)) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_masked_credential_is_in_no_object(archive, home, processes):
    configure(archive, "redact: mask\n")
    for number in range(3):
        name = f"0000000{number}" + SESSION[8:]
        rows = [row(0, "user", f"Key {TOKEN}", session=name), *talk(6, start=1, session=name)]
        output = {"stdout": LONG + OTHER, "key": TOKEN}
        rows.append(row(7, "user", f"{LONG}{OTHER}", session=name, toolUseResult=output))
        write(home, rows, session=name)
    with open_archive(archive) as opened:
        report = harvest(opened, Env(home), "laptop", processes=processes)
    assert len(report.results) == 3 and report.masked >= 6 and told(report) == []
    assert all(MASK.search(result.title.encode()) for result in report.results)
    everything = objects(archive)
    assert TOKEN.encode() not in everything and OTHER.encode() not in everything
    assert b"[secret:github-token:" in everything
    fsck(archive)
    assert any(name.startswith("attachments/") for name in committed(archive))
    with open_archive(archive) as opened:
        for path, blob in opened.files(opened.head()).items():
            session = codec.loads(opened.read(blob))
            load = lambda name, at=opened: at.read_path(at.head(), f"attachments/{name[:2]}/{name}")  # noqa: E731
            lines = b"".join(registry.writer_of(session).export(session, load).values())
            assert TOKEN.encode() not in lines and lines.count(b"[secret:github-token:") >= 3, path


def test_all_machines_write_the_same_and_again(tmp_path, home):
    write(home, [*talk(4), LEAK, row(5, "user", f"{LONG}{OTHER}")])
    written = []
    for machine in ("laptop", "tower"):
        init_archive(tmp_path / machine).close()
        configure(tmp_path / machine, "redact: mask\n")
        assert run(tmp_path / machine, home, machine).commit
        written.append({k: v for k, v in committed(tmp_path / machine).items() if k != "chasm.yaml"})
        # read anew as if for the first time: the state of the last harvest is a cache
        for file in (tmp_path / machine / ".git" / "chasm" / "harvest").iterdir():
            file.unlink()
        again = run(tmp_path / machine, home, machine)
        assert again.commit is None and again.read == 1
    assert written[0] == written[1]


def test_growth_under_masks_rewrites_nothing(archive, home):
    configure(archive, "redact: mask\n")
    write(home, [*talk(4), LEAK])
    run(archive, home)
    before = session_of(archive)
    write(home, [*talk(4), LEAK, row(5, "assistant", f"never say {TOKEN}")])
    (result,) = run(archive, home).results
    assert (result.added, result.shrunk, result.kept) == (1, 0, [])
    after = session_of(archive)
    assert after.startswith(before) and b"variants" not in after and b"replaced" not in after
    assert TOKEN.encode() not in objects(archive)


def test_masks_that_come_later_take_a_session_for_itself(archive, home):
    write(home, [*talk(4), LEAK, row(5, "user", f"{LONG}{OTHER}")])
    run(archive, home)
    configure(archive, "redact: mask\n")
    assert run(archive, home).commit is None  # nothing to read: the archive stays as it is
    assert TOKEN.encode() in session_of(archive)
    write(home, [*talk(4), LEAK, row(5, "user", f"{LONG}{OTHER}"), row(6, "assistant", "so what")])
    (result,) = run(archive, home).results
    assert (result.added, result.shrunk, result.kept) == (1, 0, [])
    data = session_of(archive)
    assert TOKEN.encode() not in data and b"variants" not in data and b"replaced" not in data
    fsck(archive)


def test_a_persons_own_words_outlive_masks_that_come_later(archive, home):
    """What the provider held before is masked, too: else every credential would look like an edit of its own."""
    write(home, [*talk(4), LEAK])
    run(archive, home)
    (file,) = archive.glob("sessions/**/*.yaml")
    file.write_text(file.read_text().replace(", use it", ", which I replaced"))
    configure(archive, "redact: mask\n")
    write(home, [*talk(4), LEAK, row(5, "assistant", "so what")])
    assert run(archive, home).results[0].added == 1
    data = session_of(archive)
    assert b"which I replaced" in data and b", use it" not in data and TOKEN.encode() not in data


def test_no_title_in_a_commit_message_holds_one(archive, home):
    write(home, [row(0, "user", f"Key {TOKEN}"), *talk(3, start=1)])
    report = run(archive, home)
    kind, message = open_archive(archive).object(report.commit)
    assert kind == "commit" and TOKEN.encode() not in message and b"Key [secret:github-token:" in message
    assert TOKEN.encode() in session_of(archive)


def test_what_was_masked_by_hand_comes_back_from_no_source(archive, home):
    rows = [*talk(4), LEAK, row(5, "user", "postgres://bob:hunter2x9@db.example.net/shop")]
    write(home, rows)
    run(archive, home)
    with open_archive(archive) as opened:
        done = secretmask.mask(opened, "laptop", None, progress=lambda done, total: None)
        assert done.commit and sorted(done.credentials.values()) == ["github-token", "url-password"]
        assert secretmask.mask(opened, "laptop", None, progress=lambda done, total: None).commit is None
    masked = session_of(archive)
    settings = (archive / "chasm.yaml").read_text()
    assert '- "url-password"' in settings and Scanner().fingerprint(b"hunter2x9") not in settings
    again = run(archive, home)
    assert again.read == 1 and again.commit is None
    write(home, [*rows, row(6, "assistant", f"I keep {OTHER}")])
    report = run(archive, home)
    assert [seen.rule for _, seen in report.secrets] == ["github-token"]
    data = session_of(archive)
    assert data.startswith(masked) and TOKEN.encode() not in data and OTHER.encode() in data
    # a machine that has never seen it: its source is masked the same way
    assert run(archive, home, "tower").commit is None


def test_settings_that_cannot_be_read_stop_a_harvest_that_may_have_to_mask(archive, home):
    write(home, [*talk(4), LEAK])
    (archive / "chasm.yaml").write_text("redact: mask\nsecrets:\n  patterns:\n    bad: '(a+)+$'\n")
    with pytest.raises(SettingsUnclear, match=r"chasm\.yaml:4: secrets: patterns: bad: .*too long"):
        run(archive, home)
    assert TOKEN.encode() not in objects(archive)
    (archive / "chasm.yaml").write_text("redact: [mask\n")
    with pytest.raises(SettingsUnclear, match=r"chasm\.yaml:2: "):
        run(archive, home)
    report = run(archive, home, redact="warn")
    assert report.commit and len(told(report)) == 1
    assert [problem.path for problem in report.problems] == ["chasm.yaml:2"] and not report.problems[0].fatal


def test_patterns_of_ones_own(archive, home):
    configure(archive, "redact: mask\nsecrets:\n  patterns:\n    acme-key: 'ACME-[0-9]{8}'\n")
    write(home, [*talk(4), row(4, "user", "the key is ACME-12345678")])
    assert run(archive, home).masked >= 1
    assert b"ACME-12345678" not in objects(archive) and b"[secret:acme-key]" in session_of(archive)


def test_exports_are_masked_too(archive, tmp_path):
    export = Path(__file__).parents[2] / "fixtures" / "universal"
    example = next(path for path in sorted(export.rglob("*.json")) if path.is_file())
    text = example.read_text()
    word = next(word for word in ("the", "you", "is") if f" {word} " in text)
    (tmp_path / "e.json").write_text(text.replace(f" {word} ", f" {TOKEN} "))
    with open_archive(archive) as opened:
        report = import_files(opened, [tmp_path / "e.json"], "laptop", redact="mask")
    assert report.commit and report.masked
    assert TOKEN.encode() not in objects(archive)
