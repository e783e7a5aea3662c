"""Sessions that were written into VS Code, seen in VS Code itself. Slow, and only where there is a code-server."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Reading
from chasm_git.providers.writers import vscode_index
from chasm_git.providers.writers.vscode_register import register
from chasm_git.providers.writers.vscode_workspaces import Store, store_for, workspace_json
from chasm_git.providers.writing import contract
from chasm_git.providers.writing.contract import Standing, Target, WritePlan
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers import code_server
from tests.providers.vscode_case import FIXTURES, asked, harvest, initial, lines, shown, state

pytestmark = pytest.mark.skipif(code_server.why_not() is not None, reason=str(code_server.why_not()))

LOST = "5e550003-0000-4000-8000-000000000003"
KEPT = "5e550002-0000-4000-8000-000000000002"
UNLISTED = "0c0ffee0-0000-4000-8000-000000000001"


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A home with a VS Code that has a workspace with two chats, and a file of a third that is not listed."""
    (tmp_path / "shop").mkdir()
    (tmp_path / ".config/Code/User/globalStorage").mkdir(parents=True)
    found = Env(tmp_path)
    store = store_for(found, str(tmp_path / "shop"))
    store.sessions.mkdir(parents=True)
    said = workspace_json(store)
    assert said is not None
    said[0].write_bytes(said[1])
    for path in (FIXTURES / "vscode" / "flat").rglob("*.json"):
        if path.stem in (LOST, KEPT):
            (store.sessions / path.name).write_bytes(path.read_bytes())
    register(found, backup=tmp_path / "backup")
    log = lines(initial(state(asked(1, "Is this file listed?", "It is now."), sessionId=UNLISTED)))
    (store.sessions / f"{UNLISTED}.jsonl").write_bytes(log)
    return found


def read_all(name: str, home: Path) -> Reading:
    """All a provider has in a home, by way of the session file."""
    provider, whole = registry.load(name), Reading()
    for source in provider.discover(Env(home)):
        assert not isinstance(source, Problem)
        reading = provider.read(source)
        whole.sessions += [codec.loads(codec.dumps(session)) for session in reading.sessions]
        whole.attachments |= reading.attachments
    return whole


def written(session: Session, env: Env, reading: Reading, folder: Path | None) -> WritePlan:
    writer = contract.load("vscode")
    plan = writer.plan(session, env, Target(reading.attachments.__getitem__, str(folder) if folder else None))
    writer.write(plan, backup=env.home / "backup")
    return plan


def delete(store: Store, session_id: str) -> None:
    """Delete a session as VS Code does: its file and its entry."""
    (store.sessions / f"{session_id}.json").unlink()
    left = vscode_index.read(store.database).index
    text = left.head + ",".join(f'"{key}":{entry[0]}' for key, entry in left.entries.items() if key != session_id)
    with vscode_index._connect(store.database, "rw") as database:
        database.execute("UPDATE ItemTable SET value = ? WHERE key = ?", (text + left.tail, vscode_index.KEY))
    assert session_id not in vscode_index.read(store.database).index.entries


def test_what_is_written_back_is_listed_and_opens(env: Env) -> None:
    """A deleted session, one of Claude Code's, and one that was never listed; another chat stays as it is."""
    shop = env.home / "shop"
    store = store_for(env, str(shop))
    archive = read_all("vscode", env.home)
    (lost,) = [session for session in archive.sessions if session.id == LOST]
    delete(store, LOST)
    assert written(lost, env, archive, None).standing is Standing.ABSENT

    claude = read_all("claude-code", FIXTURES / "claude-code" / "2.1")
    foreign = next(session for session in claude.sessions if session.title == "Prices, again")
    resumed = written(foreign, env, claude, shop)
    (report,) = register(env, str(shop), backup=env.home / "backup")
    assert [*report.added] == [UNLISTED]

    with code_server.chat_view(store.user, store.folder, shop) as view:
        titles = view.titles(until="The cart's total")
        assert {"The cart's total", "Prices, again", "Is this file listed?", "Tests for the cart"} <= {*titles}
        view.picture("list")

        text = view.texts("The cart's total", until="The total is a method now")
        view.picture("restored")
        for said in ("Make it look like this picture", "It shows a red square.", "Make the total a method"):
            assert said in text

        text = view.texts("Prices, again", until="The list has")
        view.picture("converted")
        assert "What is on this picture, and in the price list?" in text
        assert "Red, green and blue. I search for more." in text
        assert "and hurry, please" in text
        assert "API Error: 400 the picture is too large" in text
        assert "claude-sonnet-4-5" in text

        assert "It is now." in view.texts("Is this file listed?", until="It is now.")

    after = harvest(env.home)
    assert shown(after[LOST]) == shown(lost)  # VS Code, which has opened it, has lost nothing of it
    assert shown(after[resumed.session_id])
    again = contract.load("vscode").plan(foreign, env, Target(claude.attachments.__getitem__, str(shop)))
    assert again.standing is Standing.SAME
