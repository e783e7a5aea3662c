"""The configuration file is read as git reads it, and writing leaves everything else as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.archive.config import ConfigUnreadable, is_true, read_config, write_config
from chasm_git.archive.plumbing.locks import LockHeld
from tests.archive.repository import run


def by_git(path):
    """Last value of each name, as git sees it."""
    found = {}
    for entry in run(path.parent, "config", "--file", str(path), "--null", "--list").split("\0"):
        name, _, value = entry.partition("\n")
        if entry:
            found[name] = value if "\n" in entry else "true"
    return found


SAMPLE = """\
; a comment
loose = 1
# another
[core]
\tbare = false ; trailing
    filemode
\tautocrlf=input
[Remote "ori\\"gin\\\\x"] url = "a # b" ; c
\tfetch = +refs/heads/*:refs/remotes/origin/*
\tpushurl = a\\
b c   \t
[branch.Old]\tMerge = x
[empty]
\tvalue =
\tquoted = "  sp\\taces  " x
[core]
\tbare = true
"""


def test_every_way_to_write_a_value(tmp_path):
    path = tmp_path / "config"
    path.write_text(SAMPLE)
    assert read_config(path) == by_git(path)
    path.write_bytes(b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").replace("a\\\r\nb", "ab").encode())
    assert read_config(path) == by_git(path)
    assert read_config(tmp_path / "none") == {}


_BROKEN = ["[core", "[a]\n= 1\n", '[a]\nx = "open\n', "[a]\nx = \\q\n", "[a]\n1x = 1\n", "[a b]\n"]


@pytest.mark.parametrize("text", _BROKEN)
def test_what_git_cannot_read_is_reported_with_its_line(tmp_path, text):
    path = tmp_path / "config"
    path.write_text("# line one\n" + text)
    with pytest.raises(AssertionError):
        by_git(path)
    with pytest.raises(ConfigUnreadable, match=r"config:[23]: "):
        read_config(path)


_TEXTS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\t\n"), max_size=30)


_KEYS = st.sampled_from(["a.b", "Core.x", "chasm.branch", 'r.o"r\\i Gin.url', "gc.refs/heads/chasm.reflogExpire"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_KEYS, _TEXTS))
def test_git_reads_what_we_write(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("config")
    path = folder / "config"
    path.write_text(SAMPLE.rstrip("\n"))
    before = by_git(path)
    assert write_config(path, values, folder) == bool(values)
    lowered = {}
    for name, value in values.items():
        section, _, rest = name.partition(".")
        middle, dot, key = rest.rpartition(".")
        lowered[f"{section.lower()}.{middle}{dot}{key.lower()}"] = value
    assert by_git(path) == read_config(path) == before | lowered
    assert path.read_text().startswith(SAMPLE.rstrip("\n"))
    text = path.read_text()
    assert not write_config(path, values, folder)
    assert path.read_text() == text
    assert [entry.name for entry in folder.iterdir()] == ["config"]


def test_the_lock_of_git_is_respected(tmp_path, monkeypatch):
    path = tmp_path / "config"
    (tmp_path / "config.lock").write_bytes(b"")
    monkeypatch.setattr("chasm_git.archive.plumbing.locks.LockFile._wait", lambda self, timeout: self._take())
    with pytest.raises((LockHeld, FileExistsError)):
        write_config(path, {"a.b": "c"}, tmp_path)
    assert not path.exists()


def test_yes_and_no():
    assert [is_true(value) for value in ("true", "Yes", "ON", "1", "2")] == [True] * 5
    assert [is_true(value) for value in ("false", "no", "off", "0", "", "x", None)] == [False] * 7
    assert is_true(None, default=True)
