"""Credentials leave session files, and nothing else does: records come back with the same masks in them."""

import base64
import hashlib
import json
import re
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.session import attachments, codec, jsonio
from chasm_git.session.build import Builder
from chasm_git.session.masking import Masker
from chasm_git.session.model import Message, Session
from chasm_git.session.native import record_line, slice_of, unfold
from chasm_git.session.secrets import MASK, Scanner
from tests.session import strategies
from tests.session.fake_secrets import Fakes

SCANNER = Scanner(b"a key of this archive")
SAMPLES = Fakes(21).samples()
TOKEN = Fakes(22).github()
TOKEN_MASK = SCANNER.scan(TOKEN.encode())[0].mask
PEM = Fakes(23).pem()
PEM_MASK = SCANNER.scan(PEM.encode())[0].mask


def masker(**settings):
    return Masker(SCANNER, **({"every": True} | settings))


def file_of(*messages, **fields):
    return codec.dumps(Session("s", "codex", messages=list(messages), **fields))


def built(record, **fields):
    """The message of a record, as a reader makes it, and its attachments."""
    builder = Builder()
    message = builder.message(record, **({"id": "m", "role": "user"} | fields))
    return message, builder.attachments


def masked(message, found, **settings):
    """The message after masking, and all attachments there are by then."""
    mine = masker(**settings)
    data = file_of(deepcopy(message))
    out = mine.apply(data, found.__getitem__)
    assert codec.is_canonical(out)
    return codec.loads(out).messages[0], {**found, **mine.made}


def assert_clean(message, found):
    """Nothing is left to be found, in the file or in what it names."""
    data = file_of(message)
    assert SCANNER.scan_session(data) == []
    for name in re.findall(rb'"\$attachment":\s?"?([0-9a-f]{64}\.[a-z]+)', data):
        content = found[name.decode()]
        assert hashlib.sha256(content).hexdigest() == name[:64].decode()
        assert SCANNER.scan(content) == []


# ---- what is not a credential stays


@given(strategies.sessions)
def test_a_session_without_credentials_is_itself(session):
    data = codec.dumps(session)
    assert masker().apply(data) is data


def plant(value, text, places):
    """`value` with `text` put into every n-th string of it."""
    if isinstance(value, str):
        places[0] += 1
        return f"{value} {text} {value}" if places[0] % places[1] == 0 else value
    if isinstance(value, list):
        return [plant(item, text, places) for item in value]
    if isinstance(value, dict):
        return {key: plant(item, text, places) for key, item in value.items()}
    return value


@given(strategies.sessions, st.sampled_from([TOKEN, f"a\n{PEM}\n", f"x\n{TOKEN}"]), st.integers(1, 4), st.booleans())
def test_all_but_the_credential_is_as_it_was(session, secret, every, by_hand):
    with_secret, with_mask = deepcopy(session), deepcopy(session)
    for made, text in ((with_secret, secret), (with_mask, secret.replace(PEM, PEM_MASK).replace(TOKEN, TOKEN_MASK))):
        places = [0, every]
        made.title = plant(made.title, text, places)
        made.native = plant(made.native, text, places)
        for message in made.messages:
            message.content = plant(message.content, text, places)
            message.native = plant(message.native, text, places)
            message.extra = plant(message.extra, text, places)
    data = codec.dumps(with_secret)
    if by_hand:
        data += b"# a comment\n"
    out = masker().apply(data)
    assert codec.dumps(codec.loads(out)) == codec.dumps(with_mask)
    assert SCANNER.scan_session(out) == []
    assert masker().apply(out) is out
    if not by_hand:
        assert out == codec.dumps(with_mask)


# ---- every rule, in a record and its message


@pytest.mark.parametrize(
    ("rule", "secret", "text"), SAMPLES, ids=[f"{n}-{rule}" for n, (rule, _, _) in enumerate(SAMPLES)]
)
def test_a_record_comes_back_masked(rule, secret, text):
    arguments = {"command": f"echo {text}", "lines": f"first\n{text}\nlast", text: [text]}
    record = {
        "type": "x",
        "message": {"content": text, "raw": json.dumps({"deep": json.dumps({"text": text})})},
        "arguments": json.dumps(arguments, ensure_ascii=False, separators=(",", ":")),
        "spaced": json.dumps(arguments, ensure_ascii=False),
        "joined": f"before\n{text}\nafter",
    }
    content = [
        {"type": "text", "text": record["joined"]},
        {"type": "tool_call", "id": "t", "name": "Bash", "arguments": arguments},
        {"type": "tool_result", "id": "t", "content": [{"type": "text", "text": record["message"]["content"]}]},
    ]
    message, found = built(
        record,
        content=content,
        json_texts={"content.1.arguments": record["arguments"], **{}},
    )
    made, everything = masked(message, found)
    assert_clean(made, everything)
    assert unfold(message, found.__getitem__) == record
    assert unfold(made, everything.__getitem__) == masker().value(record)
    shown = file_of(made)
    assert secret.encode() not in shown and json.dumps(secret)[1:-1].encode() not in shown
    assert MASK.search(shown)


def test_a_kept_line_holds_the_same_masks():
    line = b'{"b": 1,  "text": "key %s", "pem": %s}' % (TOKEN.encode(), json.dumps(PEM).encode())
    record = jsonio.loads(line)
    message, found = built(record, content=record["text"], line=line)
    made, everything = masked(message, found)
    assert_clean(made, everything)
    back = record_line(made, everything.__getitem__)
    assert back == line.replace(TOKEN.encode(), TOKEN_MASK.encode()).replace(
        json.dumps(PEM)[1:-1].encode(), PEM_MASK.encode()
    )
    assert jsonio.loads(back) == masker().value(record)
    assert made.content == f"key {TOKEN_MASK}"


def test_a_line_that_is_no_text():
    line = b'{"text": "\xff ' + TOKEN.encode() + b'"}'
    message, found = built({"text": "x"}, line=line)
    message.content = TOKEN  # what makes us look at the message
    made, everything = masked(message, found)
    back = record_line(made, everything.__getitem__)
    assert TOKEN.encode() not in back
    assert len(back) == len(line) and b"\xff" in back


# ---- bound credentials


def test_a_credential_known_by_its_key_is_masked_wherever_it_stands():
    secret = Fakes(24).base64(38) + "a/"
    record = {
        "environment": {"aws_secret_access_key": secret},
        "escaped": json.dumps({"k": secret}).replace("/", "\\/"),
        "said": f"it is {secret}.",
        "other": "nothing",
    }
    message, found = built(record, content=[{"type": "tool_call", "arguments": record["environment"]}])
    made, everything = masked(message, found)
    assert secret not in file_of(made).decode()
    back = unfold(made, everything.__getitem__)
    mask = back["environment"]["aws_secret_access_key"]
    assert MASK.fullmatch(mask.encode()) and back["said"] == f"it is {mask}." and back["other"] == "nothing"
    assert back["escaped"] == json.dumps({"k": mask})


# ---- attachments


def test_a_long_text_gets_a_new_name():
    text = "a line\n" * 3 + f"export T={TOKEN}\n" + "more\n" * 20_000
    record = {"stdout": text, "again": {"t": text}}
    message, found = built(record, content=[{"type": "tool_result", "content": text}])
    (old,) = found
    assert TOKEN in message.content[0]["content"]["preview"]
    made, everything = masked(message, found)
    reference = made.content[0]["content"]
    assert reference["$attachment"] != old
    clean = text.replace(TOKEN, TOKEN_MASK)
    assert reference == attachments.store_text(clean, {})
    assert_clean(made, everything)
    assert unfold(made, everything.__getitem__) == {"stdout": clean, "again": {"t": clean}}


def test_a_preview_does_not_show_the_beginning_of_one():
    text = "x" * (attachments.PREVIEW_CHARS - 20) + " " + TOKEN + "\nmore" * 20_000
    message, found = built({"t": text}, content=text)
    made, _ = masked(message, found)
    assert TOKEN[:12] not in file_of(made).decode()


def test_a_missing_attachment_still_loses_its_preview():
    text = f"export T={TOKEN}\n" + "more\n" * 20_000
    message, found = built({"t": text}, content=text)
    made = codec.loads(masker().apply(file_of(message))).messages[0]
    assert made.content[0]["text"]["preview"].startswith(f"export T={TOKEN_MASK}")
    assert made.content[0]["text"]["$attachment"] in found


def test_binary_data_keeps_its_length():
    data = b"\x89PNG\0" + TOKEN.encode() + b"\0\xff" * 200
    text = base64.b64encode(data).decode()
    record = {"image": text, "url": f"data:image/png;base64,{text}"}
    message, found = built(record, content=[{"type": "image", "media_type": "image/png", "data": text}])
    made, everything = masked(message, found)
    name = made.content[0]["data"]["$attachment"]
    assert name.endswith(".png") and name not in found
    new = everything[name]
    assert (
        len(new) == len(data) and TOKEN.encode() not in new and new.startswith(data[:5]) and new.endswith(data[-400:])
    )
    back = base64.b64encode(new).decode()
    assert unfold(made, everything.__getitem__) == {"image": back, "url": f"data:image/png;base64,{back}"}


def test_an_attachment_is_masked_once_for_all_sessions():
    text = TOKEN + "\nmore" * 20_000
    message, found = built({"t": text}, content=text)
    mine = masker()
    reads = []

    def load(name):
        reads.append(name)
        return found[name]

    first = mine.apply(file_of(message), load)
    second = mine.apply(file_of(message, title="another"), load)
    assert len(mine.made) == 1 and reads == list(found)
    (name,) = mine.made
    assert name.encode() in first and name.encode() in second
    assert mine.apply(first, load) is first


# ---- slices


PIECES = st.lists(
    st.sampled_from([TOKEN, f" {TOKEN} ", "é", "plain ", "\U0001f600", PEM, "\n", "x" * 30, "é" * 40_000]),
    min_size=1,
    max_size=6,
)


@given(PIECES)
def test_slices_of_a_text_move_with_it(pieces):
    pieces = [f"<{piece}>" for piece in pieces]
    derived, start = {}, 0
    for piece in pieces:
        derived.setdefault(piece, slice_of("content.0.text", start, start + len(piece)))
        start += len(piece)
    record = {"response": [{"value": piece} for piece in pieces]}
    message, found = built(record, content=[{"type": "text", "text": "".join(pieces)}], derived=derived)
    made, everything = masked(message, found)
    clean = [piece.replace(TOKEN, TOKEN_MASK).replace(PEM, PEM_MASK) for piece in pieces]
    assert unfold(made, everything.__getitem__) == {"response": [{"value": piece} for piece in clean]}
    assert_clean(made, everything)


def test_a_credential_cut_by_a_slice_goes_to_its_first_half():
    pieces = ["a " + TOKEN[:20], TOKEN[20:] + " b"]
    derived = {
        pieces[0]: slice_of("content.0.text", 0, 22),
        pieces[1]: slice_of("content.0.text", 22, 22 + len(pieces[1])),
    }
    record = {"response": pieces}
    message, found = built(record, content=[{"type": "text", "text": "".join(pieces)}], derived=derived)
    made, everything = masked(message, found)
    assert unfold(made, everything.__getitem__) == {"response": [f"a {TOKEN_MASK}", " b"]}


# ---- the rest of a file


def test_history_and_header():
    body = {
        "role": "user",
        "content": [{"type": "text", "text": f"x {TOKEN} y {'z' * 30}"}],
        "native": {"t": slice_of("content.0.text", 0, 45)},
    }
    message = Message("m", "user", content="now", variants=[body], replaced=[{"role": "user", "content": PEM}])
    data = file_of(
        message,
        title=f"use {TOKEN}",
        workspace=f"/home/{TOKEN}",
        git={"remote": f"https://{TOKEN}@example.org"},
        tags=[TOKEN, "a"],
        native={TOKEN: PEM},
    )
    made = codec.loads(masker().apply(data))
    assert codec.is_canonical(codec.dumps(made))
    assert made.title == f"use {TOKEN_MASK}" and made.workspace == f"/home/{TOKEN_MASK}"
    assert made.git == {"remote": f"https://{TOKEN_MASK}@example.org"} and made.native == {TOKEN_MASK: PEM_MASK}
    assert made.tags == sorted([TOKEN_MASK, "a"])
    (variant,), (replaced,) = made.messages[0].variants, made.messages[0].replaced
    assert variant["content"][0]["text"] == f"x {TOKEN_MASK} y {'z' * 30}"
    assert variant["native"] == {"t": slice_of("content.0.text", 0, 45 + len(TOKEN_MASK) - len(TOKEN))}
    assert replaced["content"] == PEM_MASK


def test_ids_stay():
    message = Message(TOKEN, "user", content=f"I am {TOKEN}")
    data = file_of(message, Message("n", "user", content="y", after="m0"), parent=TOKEN)
    made = codec.loads(masker().apply(data))
    assert (made.parent, made.messages[0].id, made.messages[0].content) == (TOKEN, TOKEN, f"I am {TOKEN_MASK}")


def test_keys_that_become_equal_lose_nothing():
    message, found = built({TOKEN: 1, TOKEN_MASK: 2, "x": 3})
    made, everything = masked(message, found)
    assert sorted(unfold(made, everything.__getitem__).values()) == [1, 2, 3]


def test_masks_are_the_same_everywhere():
    one = masker().apply(file_of(Message("m", "user", content=f"1 {TOKEN}")))
    other = masker().apply(file_of(Message("k", "tool", content=[{"type": "text", "text": f"2\n{TOKEN}"}]), title="t"))
    assert MASK.search(one)[0] == MASK.search(other)[0] == TOKEN_MASK.encode()
    elsewhere = Masker(Scanner(b"another archive"), every=True).apply(file_of(Message("m", "user", content=TOKEN)))
    assert MASK.search(elsewhere)[0] != TOKEN_MASK.encode()


def test_decisions():
    other = Fakes(25).github()
    data = file_of(Message("m", "user", content=f"{TOKEN} and {other}"))
    prints = {text: SCANNER.fingerprint(text.encode()) for text in (TOKEN, other)}

    def content(**settings):
        mine = Masker(SCANNER, **settings)
        seen = mine.screen(data)
        return codec.loads(seen.data).messages[0].content, seen.masked, [one.fingerprint for one in seen.open]

    mask = SCANNER.scan(other.encode())[0].mask
    assert content() == (f"{TOKEN} and {other}", 0, [prints[TOKEN], prints[other]])
    assert content(allowed=[prints[TOKEN]]) == (f"{TOKEN} and {other}", 0, [prints[other]])
    assert content(every=True, allowed=[prints[TOKEN]]) == (f"{TOKEN} and {mask}", 1, [])
    assert content(masked=[prints[other]]) == (f"{TOKEN} and {mask}", 1, [prints[TOKEN]])
    assert content(masked=[prints[other]], allowed=prints.values()) == (f"{TOKEN} and {mask}", 1, [])
    both = f"{TOKEN_MASK} and {mask}"
    assert content(masked=["github-token"], allowed=prints.values()) == (both, 2, [])


def test_the_mask_of_what_a_person_may_have_chosen_tells_nothing():
    """Whoever guesses a password must not be told by the file that he is right."""
    masks = set()
    for word in ("hunter2x9", "correct-horse-battery-staple"):
        data = file_of(Message("m", "user", content=f"psql postgres://bob:{word}@db.example.net/x"))
        found = SCANNER.scan(data)
        assert [one.decision for one in found] == ["url-password"]
        out = masker().apply(data)
        assert found[0].fingerprint.encode() not in out and SCANNER.scan(out) == []
        masks |= set(MASK.findall(out))
        assert masker().apply(out) == out
    assert masks == {b"[secret:url-password]"}


def test_what_is_open_is_told_with_its_attachment():
    text = f"{TOKEN}\n" + "more\n" * 20_000
    message, found = built({"t": text}, content=text)
    seen = Masker(SCANNER).screen(file_of(message), found.__getitem__)
    assert {name: [one.rule for one in several] for name, several in seen.attached.items()} == {
        next(iter(found)): ["github-token"]
    }
    assert [seen.data[one.start : one.end].decode() for one in seen.open] == [TOKEN]  # the preview shows it


def test_a_file_that_cannot_be_read_is_not_masked():
    with pytest.raises(codec.CodecError):
        masker().apply(b"chasm: 1\nid: [x\n" + TOKEN.encode())
    torn = b"chasm: 1\nid: [x\n"
    assert masker().apply(torn) is torn


def test_texts_with_halves_of_characters():
    text = f"\ud800 é {TOKEN} \udfff"
    made = codec.loads(masker().apply(file_of(Message("m", "user", content=text))))
    assert made.messages[0].content == f"\ud800 é {TOKEN_MASK} \udfff"


def test_client_data_with_a_credential_in_every_record(shared):
    """Real records with a token in one of their texts: each message gives its record back, masked."""
    from chasm_git.providers import registry
    from chasm_git.providers.base import Env

    homes = sorted((shared / "realdata").glob("claude-code-*/home"))
    assert homes
    tried = 0
    for home in homes:
        provider = registry.load("claude-code")
        for source in provider.discover(Env(home, {}, "linux")):
            for session in provider.read(source).sessions[:3]:
                reading = provider.read(source)
                data = codec.dumps(session)
                words = sorted(set(re.findall(rb"(?<![\w-])[a-z]{7,}(?![\w-])", data)))
                for word in words[:: max(len(words) // 5, 1)]:
                    planted = data.replace(word, TOKEN.encode())
                    if not codec.is_canonical(planted):
                        continue
                    mine = masker()
                    out = codec.loads(mine.apply(planted, reading.attachments.__getitem__))
                    before = codec.loads(planted)
                    everything = {**reading.attachments, **mine.made}
                    for was, now in zip(before.messages, out.messages, strict=True):
                        try:
                            record = unfold(was, reading.attachments.__getitem__)
                        except KeyError:
                            continue  # the word was part of a pointer
                        assert unfold(now, everything.__getitem__) == masker().value(record)
                        tried += 1
    assert tried > 50
