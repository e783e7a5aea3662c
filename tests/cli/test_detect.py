"""`chasm detect`: what belongs to a folder that was moved, renamed, cloned anew; orphans; where a session lives."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.writers.vscode_workspaces import store_for, workspace_id, workspace_json
from tests.cli.calling import Program
from tests.conftest import git
from tests.providers.vscode_case import asked, state
from tests.providers.vscode_home import fill, home_of, listed, opened, put
from tests.providers.writing_case import files
from tests.recovery.making import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
THREE = "33333333-3333-4333-8333-333333333333"
NAMED = ("src/login/route.py", "src/login/view.py", "src/cart/total.py", "README.md")


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """A home without anything in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def repository(folder: Path, remote: str | None = None) -> str:
    """A repository with some files and a commit; returns the commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name in NAMED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} of {folder}")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=Ana", "-c", "user.email=ana@example.org", "commit", "-q", "-m", "first")
    if remote is not None:
        git(folder, "remote", "add", "origin", remote)
    return git(folder, "rev-parse", "HEAD").strip()


def detect(chasm: Program, path: Path, home: Path, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chasm("detect", "workspace", str(path), "--home", str(home), "--json", *more).json[
        "candidates"
    ]
    return found


def held(home: Path, folder: Path, **said: Any) -> None:
    """Two sessions in a folder, and one in another one that has nothing to do with it."""
    claude(home, folder, ONE, files=tuple(str(folder / name) for name in NAMED))
    codex(home, folder, TWO, **said)
    claude(home, folder.parent / "other", THREE, files=("notes/else.txt", str(folder.parent / "other" / "x" / "y.md")))


def test_where_it_always_was(fresh: Program, at: Path, tmp_path: Path) -> None:
    repository(tmp_path / "shop")
    held(at, tmp_path / "shop")
    (one,) = detect(fresh, tmp_path / "shop", at)
    assert one["score"] == 1 and sorted(s["id"] for s in one["sessions"]) == [ONE, TWO]
    assert all(not s["archived"] for s in one["sessions"])
    fresh("harvest", "run", "--home", str(at))
    (one,) = detect(fresh, tmp_path / "shop", at)
    assert all(s["archived"] for s in one["sessions"])
    assert fresh("detect", "workspace", str(tmp_path / "shop"), "--home", str(at)).out.startswith("1.00  ")


def test_renamed_and_recovered(fresh: Program, at: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "shop", tmp_path / "work" / "store"
    repository(old)
    held(at, old)
    claude(at, old / "src", THREE.replace("3", "4"), files=("login/route.py",))
    new.parent.mkdir()
    old.rename(new)
    found = {one["workspace"]: one for one in detect(fresh, new, at)}
    assert set(found) == {str(old), str(old / "src")}
    assert found[str(old)]["score"] > 0.7 and found[str(old / "src")]["target"] == str(new / "src")
    assert any("4 of 4 files it names are here" in reason for reason in found[str(old)]["reasons"])
    assert any("it lay below" in reason for reason in found[str(old / "src")]["reasons"])

    before = files(at)
    called = fresh("detect", "workspace", str(new), "--recover", "--dry-run", "--home", str(at))
    assert "3 sessions would be harvested first" in called.err and files(at) == before
    made = fresh("detect", "workspace", str(new), "--recover", "--home", str(at), "--json").json
    rows = {row["id"]: row for row in made["written"]["sessions"]}
    assert rows[ONE]["outcome"] == "restored" and rows[ONE]["folder"] == str(new)
    slug = "".join(char if char.isalnum() else "-" for char in str(new))
    assert f".claude/projects/{slug}/{ONE}.jsonl" in files(at)
    assert {name: data for name, data in files(at).items() if name in before} == before  # what was there stays


def test_cloned_anew_under_another_name_and_another_way_to_write_its_address(
    fresh: Program, at: Path, tmp_path: Path
) -> None:
    commit = repository(tmp_path / "origin")
    old, new = tmp_path / "gone" / "shop", tmp_path / "checkout-2"
    codex(at, old, ONE, remote="git@Example.org:ana/shop.git")
    codex(at, old, TWO, commit=commit)
    codex(at, tmp_path / "elsewhere", THREE, remote="https://example.org/ana/another.git")
    git(tmp_path, "clone", "-q", str(tmp_path / "origin"), str(new))
    git(new, "remote", "set-url", "origin", "https://example.org/ana/shop")
    (one,) = detect(fresh, new, at)
    assert sorted(s["id"] for s in one["sessions"]) == [ONE, TWO] and one["score"] > 0.98
    said = " ".join(one["reasons"])
    assert "the same remote: example.org/ana/shop" in said and f"commit {commit[:9]}" in said and "is gone" in said
    rows = fresh("detect", "providers", str(new), "--home", str(at), "--json").json["providers"]
    assert [(row["provider"], row["sessions"], row["elsewhere"]) for row in rows] == [("codex", 2, 2)]
    assert "codex" in fresh("detect", "providers", str(new), "--home", str(at)).out


def test_a_copy_with_the_same_first_commit(fresh: Program, at: Path, tmp_path: Path) -> None:
    repository(tmp_path / "shop")
    claude(at, tmp_path / "shop", ONE)
    git(tmp_path, "clone", "-q", str(tmp_path / "shop"), str(tmp_path / "again"))
    (one,) = detect(fresh, tmp_path / "again", at)
    assert one["score"] >= 0.9 and "another clone" in one["reasons"][0]


def test_a_part_of_a_repository_is_not_all_of_it(fresh: Program, at: Path, tmp_path: Path) -> None:
    commit = repository(tmp_path / "shop")
    codex(at, tmp_path / "shop", ONE, commit=commit)
    codex(at, tmp_path / "gone", TWO, commit=commit)
    codex(at, tmp_path / "gone" / "src", THREE, commit=commit)
    (one,) = detect(fresh, tmp_path / "shop" / "src", at)
    assert [s["id"] for s in one["sessions"]] == [THREE]
    found = detect(fresh, tmp_path / "shop", at)
    assert {s["id"] for one in found for s in one["sessions"]} == {ONE, TWO, THREE}
    assert {one["target"] for one in found if THREE in [s["id"] for s in one["sessions"]]} == {
        str(tmp_path / "shop" / "src")
    }


def test_a_name_alone_and_another_repository_are_not_enough(fresh: Program, at: Path, tmp_path: Path) -> None:
    repository(tmp_path / "new" / "shop", "https://example.org/ana/shop")
    claude(at, tmp_path / "one" / "shop", ONE)
    codex(at, tmp_path / "two" / "shop", TWO, remote="https://example.org/bob/shop")
    (tmp_path / "three" / "shop").mkdir(parents=True)
    claude(at, tmp_path / "three" / "shop", THREE, files=NAMED[3:])
    assert detect(fresh, tmp_path / "new" / "shop", at) == []
    every = {one["workspace"].split("/")[-2]: one for one in detect(fresh, tmp_path / "new" / "shop", at, "--verbose")}
    assert every["one"]["score"] > every.get("three", every["one"])["score"] - 0.3
    assert "two" not in every  # it names another repository
    out = fresh("detect", "workspace", str(tmp_path / "new" / "shop"), "--home", str(at)).out
    assert out.startswith("no session is known to belong to")


def test_vscode_knows_a_folder_that_was_moved(fresh: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = home_of(tmp_path / "vscode")
    monkeypatch.setenv("HOME", str(env.home))
    store = opened(env, one=state(asked(1, "Where is it?", "Here."), sessionId="one"))
    fill(store, None)
    claude(env.home, env.home / "shop", ONE)
    new = env.home / "moved" / "entirely-else"
    new.parent.mkdir()
    (env.home / "shop").rename(new)
    (one,) = detect(fresh, new, env.home)
    assert sorted(s["provider"] for s in one["sessions"]) == ["claude-code", "vscode"] and one["score"] > 0.97
    assert any("identity" in reason for reason in one["reasons"])

    (orphan,) = fresh("detect", "orphaned", str(new), "--json").json[:1]
    assert (orphan["why"], orphan["moved_to"], orphan["sessions"]) == ("folder gone", str(new), ["one"])
    fresh("detect", "orphaned", str(new), "--recover")
    live = store_for(env, str(new))
    assert live.folder.name == workspace_id(str(new), env) and listed(live).keys() == {"one"}
    assert (store.sessions / "one.json").exists()
    assert fresh("fetch", "path", str(new), "--detected").out == "2 same\n"
    assert fresh("detect", "orphaned", str(new), "--recover").out.count("same") == 1  # the old ones are still there


def test_a_folder_that_was_made_anew(fresh: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = home_of(tmp_path / "vscode")
    monkeypatch.setenv("HOME", str(env.home))
    store = opened(env, one=state(asked(1, "Where is it?", "Here."), sessionId="one"))
    fill(store, None)
    (tmp_path / "keeps-its-inode").mkdir()
    (env.home / "shop").rename(tmp_path / "old")
    (env.home / "shop").mkdir()
    (orphan,) = fresh("recover", "orphans", "--json").json
    assert (orphan["why"], orphan["workspace"]) == ("superseded", str(env.home / "shop"))
    called = fresh("recover", "orphans", "--recover")
    assert "looks somewhere else" in called.out and "restored" in called.out
    live = store_for(env, str(env.home / "shop"))
    assert live.folder != store.folder and listed(live).keys() == {"one"}


def test_files_that_a_list_lacks(fresh: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = home_of(tmp_path / "vscode")
    monkeypatch.setenv("HOME", str(env.home))
    store = opened(env)
    put(store, "one", state(asked(1, "Where is it?", "Here."), sessionId="one"))
    fill(store, None)
    (orphan,) = fresh("detect", "orphaned", "--json").json
    assert (orphan["why"], orphan["sessions"]) == ("unlisted", ["one"])
    fresh("detect", "orphaned", "--recover")
    assert listed(store).keys() == {"one"}
    assert fresh("detect", "orphaned", "--json").json == []


def test_storage_that_does_not_say_whose_it_is(fresh: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = home_of(tmp_path / "vscode")
    monkeypatch.setenv("HOME", str(env.home))
    store = opened(env, one=state(asked(1, "Where is it?", "Here."), sessionId="one"))
    said = store.folder / "workspace.json"
    assert workspace_json(store) is None
    said.unlink()
    (orphan,) = fresh("detect", "orphaned", "--json").json
    assert (orphan["why"], orphan["workspace"]) == ("folder gone", None)
    called = fresh("detect", "orphaned", "--recover")
    assert "not found again" in called.err and "1 new" in called.out


def test_projects_of_other_tools_whose_folder_is_gone(fresh: Program, at: Path, tmp_path: Path) -> None:
    held(at, tmp_path / "shop")
    found = fresh("detect", "orphaned", "--home", str(at), "--json").json
    assert {(one["provider"], one["workspace"].rpartition("/")[2]) for one in found} == {
        ("claude-code", "shop"),
        ("claude-code", "other"),
        ("codex", "shop"),
    }
    fresh("harvest", "run", "--home", str(at))
    assert fresh("detect", "orphaned", "--home", str(at), "--json").json == found
    repository(tmp_path / "renamed")
    found = fresh("detect", "orphaned", str(tmp_path / "renamed"), "--home", str(at), "--json").json
    assert [(one["provider"], one["moved_to"]) for one in found] == [
        ("claude-code", str(tmp_path / "renamed")),
        ("codex", str(tmp_path / "renamed")),
    ]
    assert "goes on in" in fresh("detect", "orphaned", str(tmp_path / "renamed"), "--home", str(at)).out


def test_where_a_session_lives(fresh: Program, at: Path, tmp_path: Path) -> None:
    place = claude(at, tmp_path / "shop", ONE)
    where = fresh("detect", "session", ONE[:8], "--home", str(at), "--json").json
    assert where["files"] == [str(place)] and where["path"] is None and not where["workspace_is_here"]
    assert "not there yet" in fresh("detect", "session", ONE, "--home", str(at)).out
    fresh("harvest", "run", "--home", str(at))
    claude(at, tmp_path / "shop", ONE, turns=4)
    fresh("harvest", "run", "--home", str(at))
    where = fresh("detect", "session", ONE[:8], "--home", str(at), "--json").json
    assert where["files"] == [str(place)] and where["versions"] == 2 and where["path"].endswith(f"{ONE}.yaml")
    assert [one["same"] for one in where["machines"]] == [True]
    shutil.rmtree(at / ".claude")
    called = fresh("detect", "session", ONE, "--home", str(at))
    assert "chasm fetch session" in called.out and "(2 versions)" in called.out
    assert "no session 'nothing'" in fresh("detect", "session", "nothing", "--home", str(at), expect=1).err


def test_everything_of_a_folder(fresh: Program, at: Path, tmp_path: Path) -> None:
    new = tmp_path / "store"
    held(at, tmp_path / "shop")
    repository(new)
    found = fresh("detect", "all", str(new), "--home", str(at), "--json").json
    assert {"candidates", "providers", "orphans", "path", "problems"} == set(found)
    assert len(found["orphans"]) == 2 and {row["provider"] for row in found["providers"]} == {"claude-code", "codex"}
    called = fresh("detect", "all", str(new), "--verbose", "--home", str(at))
    assert "files it names are here" in called.out and "its folder is gone" in called.out
    assert "restored" in fresh("detect", "all", str(new), "--recover", "--home", str(at)).out


def test_fetch_says_what_was_held_elsewhere(fresh: Program, at: Path, tmp_path: Path) -> None:
    new = tmp_path / "store"
    held(at, tmp_path / "shop")
    repository(new)
    fresh("harvest", "run", "--home", str(at))
    called = fresh("fetch", "path", str(new), "--home", str(at), expect=1)
    assert called.out == "" and "2 sessions that were held elsewhere" in called.err
    made = fresh("fetch", "path", str(new), "--detected", "--home", str(at), "--json").json
    assert sorted(row["id"] for row in made["sessions"]) == [ONE, TWO]
    assert made["sessions"][0]["folder"] == str(new)


def test_what_could_not_be_put_back_counts_for_programs_too(fresh: Program, at: Path, tmp_path: Path) -> None:
    new = tmp_path / "store"
    held(at, tmp_path / "shop")
    repository(new)
    fresh("harvest", "run", "--home", str(at))
    slug = "".join(char if char.isalnum() else "-" for char in str(new))
    (at / ".claude" / "projects" / slug).write_text("a file where the folder belongs")
    called = fresh("detect", "workspace", str(new), "--recover", "--home", str(at), "--json", expect=1)
    outcomes = {row["id"]: row["outcome"] for row in called.json["written"]["sessions"]}
    assert outcomes[ONE] == "failed" and outcomes[TWO] != "failed"
    assert "1 of 2 sessions were not written" in called.err
    assert "(failed)" in fresh("detect", "workspace", str(new), "--recover", "--home", str(at), expect=1).out
