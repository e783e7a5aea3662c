"""What is told of findings: new ones once, by message, and next to nothing of the credential."""

from copy import deepcopy

from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from chasm_git.session.secret_findings import beginning, masked_text, news, sightings
from chasm_git.session.secrets import Scanner
from tests.session.fake_secrets import Fakes

SCANNER = Scanner()
TOKEN, OTHER = Fakes(71).github(), Fakes(72).github()


def session(*texts, **header):
    messages = [Message(f"m {n}", "user", content=text) for n, text in enumerate(texts)]
    return Session("s", "codex", messages=messages, **header)


def data(*texts, **header):
    return codec.dumps(session(*texts, **header))


def told(before, now):
    return [(one.message, one.fingerprint, one.times) for one in news(before, now, SCANNER)]


def test_findings_are_told_by_message():
    one = data("x", f"{TOKEN} {TOKEN}", OTHER, TOKEN, title=f"use {OTHER}")
    prints = [SCANNER.fingerprint(text.encode()) for text in (TOKEN, OTHER)]
    found = [(one.message, one.fingerprint, one.times) for one in sightings(one, SCANNER.scan_session(one))]
    assert found == [("", prints[1], 1), ("m 1", prints[0], 2), ("m 2", prints[1], 1), ("m 3", prints[0], 1)]


def test_only_what_is_new_is_told():
    before = data("hello", f"use {TOKEN}")
    first = SCANNER.fingerprint(TOKEN.encode())
    assert told(before, before) == []
    assert told(before, data("hello", f"use {TOKEN}", "more")) == []
    assert told(before, data("hello", f"use {TOKEN} again")) == []
    assert told(before, data("hello", f"use {TOKEN}", f"yes, {TOKEN}")) == [("m 2", first, 1)]
    assert told(before, data(f"hello {OTHER}", f"use {TOKEN}")) == [("m 0", SCANNER.fingerprint(OTHER.encode()), 1)]
    assert told(before, data("hello", f"use {TOKEN}", title=f"for {TOKEN}")) == [("", first, 1)]
    assert told(b"", before) == [("m 1", first, 1)]


def test_the_first_characters_at_most_and_never_much():
    assert beginning(TOKEN.encode()) == "ghp_…"
    assert beginning(b"hunter2x9") == "h…" and beginning(b"four") == "…"
    assert beginning("ÄÖÜäöüß1234567890123".encode()) == "\ufffd\ufffd\ufffd\ufffd…"


def test_a_text_is_masked_for_show():
    mask = SCANNER.scan(TOKEN.encode())[0].mask
    assert masked_text(f"é {TOKEN} \ud800", SCANNER) == f"é {mask} \ud800"
    assert masked_text("nothing", SCANNER) == "nothing"


def test_ids_that_need_quotes():
    odd = session(TOKEN)
    odd.messages[0] = deepcopy(odd.messages[0])
    odd.messages[0].id = "a: b\n- id: c"
    assert [one[0] for one in told(b"", codec.dumps(odd))] == ["a: b\n- id: c"]
