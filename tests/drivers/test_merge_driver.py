"""git's own commands with the merge driver: what they leave is what `merge` makes."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chasm_git.archive.install import install
from chasm_git.session import codec
from chasm_git.session.merge import merge
from tests.drivers.clone import CHECKOUT, PATH, Clone, make, session, version
from tests.property import worlds

BASE = session("one", "two")
OURS = session("one", "two", "ours=mine", tags=["here"])
THEIRS = session("one", "two and more", "theirs=yours", tags=["there"])
MERGED = merge(BASE, OURS, THEIRS).data


@pytest.fixture
def clone(tmp_path):
    made = make(tmp_path / "clone")
    made.commit(BASE)
    made.branch("theirs", THEIRS)
    made.commit(OURS)
    return made


def test_merge(clone):
    clone.git("merge", "-q", "theirs", "-m", "merge")
    assert clone.read() == MERGED
    assert clone.git("status", "--porcelain") == b""


def test_both_directions_give_the_same_file(clone):
    clone.git("checkout", "-q", "theirs")
    clone.git("merge", "-q", "main", "-m", "merge")
    assert clone.read() == MERGED


@pytest.mark.parametrize("way", ["--no-rebase", "--rebase"])
def test_pull(clone, tmp_path, way):
    subprocess.run(["git", "clone", "-q", "-b", "theirs", clone.top, tmp_path / "other"], check=True)
    other = Clone(tmp_path / "other")
    install(other)
    other.git("pull", "-q", way, "origin", "main")
    assert other.read() == MERGED
    assert other.git("status", "--porcelain") == b""


def test_rebase(clone):
    clone.git("checkout", "-q", "theirs")
    clone.git("rebase", "-q", "main")
    assert clone.read() == MERGED
    assert len(clone.git("rev-list", "HEAD").split()) == 4


def test_cherry_pick(clone):
    clone.git("cherry-pick", "theirs")
    assert clone.read() == MERGED


def test_stash_pop(clone):
    clone.git("reset", "-q", "--hard", "HEAD~1")
    clone.write(OURS)
    clone.git("stash", "-q")
    clone.commit(THEIRS)
    clone.git("stash", "pop", "-q")
    assert clone.read() == MERGED
    assert clone.git("stash", "list") == b""


def test_revert_gives_the_file_before(clone):
    """With nothing after it there is nothing to merge: git takes the older file, and the driver is not asked."""
    clone.git("merge", "-q", "theirs", "-m", "merge")
    clone.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert clone.read() == OURS


def test_revert_of_an_older_change_drops_no_message(clone):
    clone.git("merge", "-q", "theirs", "-m", "merge")
    later = merge(None, MERGED, session("one", "two and more", "later=after")).data
    clone.commit(later)
    clone.git("revert", "--no-edit", "-m", "1", "HEAD~1", ok=(0, 1))
    assert clone.read() == merge(MERGED, later, OURS).data
    assert {m.content for m in codec.loads(clone.read()).messages} >= {"one", "mine", "yours", "after"}


def test_octopus_is_refused_and_one_after_the_other_merges(tmp_path):
    """git's octopus asks no driver and stops where lines meet: then nothing has happened."""
    clone = make(tmp_path / "clone")
    clone.commit(BASE)
    sides = [session("one", "two", f"new{number}=text {number}") for number in range(3)]
    for number, side in enumerate(sides):
        clone.branch(f"side{number}", side)
    before = clone.git("rev-parse", "HEAD")
    clone.git("merge", "-q", "-m", "three at once", "side0", "side1", "side2", ok=(1, 2))
    assert clone.git("rev-parse", "HEAD") == before
    clone.git("reset", "-q", "--hard")
    for number in range(3):
        clone.git("merge", "-q", "-m", "one", f"side{number}")
    assert clone.read() == merge(BASE, merge(BASE, sides[0], sides[1]).data, sides[2]).data


@pytest.mark.skipif(version() < (2, 38), reason="git merge-tree --write-tree came with git 2.38")
@pytest.mark.parametrize("bare", [False, True])
def test_merge_tree_without_a_worktree(clone, tmp_path, bare):
    place = clone
    if bare:
        subprocess.run(["git", "clone", "-q", "--bare", clone.top, tmp_path / "bare.git"], check=True)
        place = Clone(tmp_path / "bare.git", tmp_path / "bare.git")
        install(place)
    tree = place.git("merge-tree", "--write-tree", "main", "theirs").decode().split()[0]
    assert place.git("show", f"{tree}:{PATH}") == MERGED


def test_a_linked_worktree(clone, tmp_path):
    clone.git("worktree", "add", "-q", str(tmp_path / "linked"), "theirs")
    linked = Clone(tmp_path / "linked", clone.git_dir / "worktrees" / "linked")
    linked.git("merge", "-q", "main", "-m", "merge")
    assert linked.read() == MERGED


def test_a_session_that_both_sides_added(tmp_path):
    clone = make(tmp_path / "clone")
    clone.branch("theirs", THEIRS)
    clone.commit(OURS)
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(0, 1))
    expected = merge(None, OURS, THEIRS)
    assert clone.read() == expected.data
    assert clone.status == (1 if expected.conflicts else 0)


def test_several_merge_bases(tmp_path):
    """Criss-cross: git merges the bases first, with the driver, and hands on what comes of it."""
    clone = make(tmp_path / "clone")
    clone.commit(BASE)
    clone.git("branch", "other")
    first = clone.commit(session("one", "two", "a=from main"))
    clone.git("checkout", "-q", "other")
    second = clone.commit(session("one", "two", "b=from the other"))
    clone.git("merge", "-q", "-m", "cross", first)
    clone.git("checkout", "-q", "main")
    clone.git("merge", "-q", "-m", "cross", second)
    assert clone.read() == clone.git("show", f"other:{PATH}")
    both = clone.read()
    clone.commit(merge(None, both, session("one", "two", "c=after")).data)
    clone.git("merge", "-q", "-m", "again", "other")
    assert {"from main", "from the other", "after"} <= {m.content for m in codec.loads(clone.read()).messages}


def test_an_edit_on_both_sides_waits_for_a_person_and_its_sides_are_in_the_index(tmp_path):
    clone = make(tmp_path / "clone")
    clone.commit(BASE)
    ours, theirs = session("uno", "two"), session("eins", "two")
    clone.branch("theirs", theirs)
    clone.commit(ours)
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(1,))
    assert (clone.stage(1), clone.stage(2), clone.stage(3)) == (BASE, ours, theirs)
    assert clone.read() == merge(BASE, ours, theirs).data
    clone.git("add", PATH)
    clone.git("commit", "-q", "-m", "both are kept")
    assert clone.git("status", "--porcelain") == b""


@pytest.mark.parametrize("damaged", ["ours", "theirs"])
def test_a_side_that_does_not_parse_stops_the_merge_and_both_texts_stay(tmp_path, damaged):
    clone = make(tmp_path / "clone")
    clone.commit(BASE)
    ours, theirs = session("one", "two", "a=mine"), session("one", "two", "b=yours")
    broken = (ours if damaged == "ours" else theirs).replace(b"content: one", b"content: [one")
    clone.branch("theirs", broken if damaged == "theirs" else theirs)
    clone.commit(broken if damaged == "ours" else ours)
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(1,))
    text = clone.read()
    assert b"content: mine" in text and b"content: yours" in text and b"content: [one" in text
    assert "not merged by messages" in clone.said


def test_a_clone_without_us_never_takes_one_side_in_silence(tmp_path):
    clone = make(tmp_path / "clone", drivers=False)
    clone.write(b"*.yaml merge=chasm\n", ".gitattributes")
    clone.commit(BASE)
    clone.branch("theirs", session("one", "two", "b=yours"))
    clone.commit(session("one", "two", "a=mine"))
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(1,))
    text = clone.read()
    assert b"<<<<<<<" in text and b"content: mine" in text and b"content: yours" in text


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(worlds.forks(2))
def test_git_gives_what_merge_gives(tmp_path_factory, case):
    base, ours, theirs = case
    clone = make(tmp_path_factory.mktemp("world") / "clone")
    first = clone.commit(base)
    clone.branch("theirs", theirs)
    if clone.commit(ours) == first:
        return
    expected = merge(base, ours, theirs)
    clone.git("merge", "-q", "--no-ff", "theirs", "-m", "merge", ok=(0, 1))
    assert clone.read() == expected.data
    assert clone.status == (1 if expected.conflicts else 0)


def test_the_driver_starts_with_the_standard_library_and_the_rules_alone(tmp_path):
    for name, data in (("base", BASE), ("ours", OURS), ("theirs", THEIRS)):
        (tmp_path / name).write_bytes(data)
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from chasm_git.drivers import merge\n"
        "status = merge.main(sys.argv[1:])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('chasm_git.')), file=sys.stderr)\n"
        "print(*sorted({n.partition('.')[0] for n in sys.modules} & {'asyncio', 'dataclasses', 'inspect',"
        " 'multiprocessing', 'orjson', 'ruamel', 'subprocess', 'urllib'}), file=sys.stderr)\n"
        "sys.exit(status)"
    )
    command = [sys.executable, "-S", "-E", "-c", code, str(CHECKOUT), "base", "ours", "theirs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, _heavy = done.stderr.split("\n")[:2]
    packages = {name.split(".")[1] for name in ours.split()}
    assert packages == {"drivers", "session"}
    assert (tmp_path / "ours").read_bytes() == MERGED
