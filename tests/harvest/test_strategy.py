"""Who decides when a person edited a message that its provider then rewrote, as the settings say."""

import pytest

from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.syncing.conflicts import waiting
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from chasm_git.session import codec
from tests.conftest import git
from tests.harvest.making import row, talk, write

EDITED, REWRITTEN = "message one, as a person has it", "quite another answer"


@pytest.mark.parametrize(
    ("settings", "shown", "waits"),
    [
        ("auto", EDITED, 1),
        ("manual", EDITED, 1),
        ("local-wins", EDITED, 0),
        ("remote-wins", REWRITTEN, 0),
        ("{strategy: remote-wins}", REWRITTEN, 0),
        ("keep-both", EDITED, 0),
        ("no-such-thing", EDITED, 1),
    ],
)
def test_a_rewritten_message_that_a_person_had_edited(tmp_path, settings, shown, waits):
    home, place = tmp_path / "home", tmp_path / "archive"
    init_archive(place).close()

    def run():
        with open_archive(place) as archive:
            harvest(archive, Env(home), "laptop")
            (path,) = archive.files(archive.head())
            session = codec.loads(archive.read_path(archive.head(), path))
            return session, list(waiting(archive, archive.head()))

    write(home, talk(2))
    run()
    (file,) = (place / "sessions").rglob("*.yaml")
    file.write_text(file.read_text().replace("message 1", EDITED))
    (place / "chasm.yaml").write_text(f"conflicts: {settings}\n")
    git(place, "commit", "-qam", "edit")
    write(home, [*talk(1), row(1, "assistant", REWRITTEN)])
    session, found = run()
    assert len(found) == waits
    said = session.messages[1]
    kept = {said.content, *(value["content"] for value in (*said.variants, *said.replaced))}
    beside = {one.content for one in session.messages if "~" in one.id}
    assert {EDITED, REWRITTEN} <= kept
    if waits == 0 and settings != "keep-both":
        assert said.content == shown
    assert beside == ({EDITED, REWRITTEN} - {said.content} if settings == "keep-both" else set())
    write(home, [*talk(1), row(1, "assistant", REWRITTEN), *talk(3)[2:]])
    session, found = run()
    assert len(found) == waits
    assert session.messages[1].content == said.content
