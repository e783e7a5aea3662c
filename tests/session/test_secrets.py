"""Credentials are found in whatever form a session file has them, and nothing else is taken for one."""

import base64
import hashlib
import json
import pickle
import time
import uuid
from random import Random

import pytest
from hypothesis import given

from chasm_git.session import codec, jsonio
from chasm_git.session.model import Message, Session
from chasm_git.session.native import raw_line
from chasm_git.session.secret_patterns import BadPattern, Pattern, TooSlow, ways
from chasm_git.session.secret_rules import PLACES, RULES
from chasm_git.session.secrets import FINGERPRINT, Scanner
from tests.session import strategies
from tests.session.fake_secrets import ALNUM, DASHED, Fakes

KEY = b"a key of this archive"
SCANNER = Scanner(KEY)
SAMPLES = Fakes(7).samples()


def session_of(content="", native=None, title=None, **fields):
    return codec.dumps(
        Session("s", "codex", title=title, messages=[Message("m", "user", None, content, native=native, **fields)])
    )


def one(data, scan=SCANNER.scan):
    """The only finding, and what it is about."""
    found = scan(data)
    assert len(found) == 1, found
    return found[0], data[found[0].start : found[0].end].decode()


def test_every_rule_has_a_sample():
    assert {rule for rule, _, _ in SAMPLES} == {rule.name for rule in RULES}


@pytest.mark.parametrize(
    ("rule", "secret", "text"), SAMPLES, ids=[f"{n}-{rule}" for n, (rule, _, _) in enumerate(SAMPLES)]
)
class TestEveryRule:
    def test_in_plain_text(self, rule, secret, text):
        found, shown = one(text.encode())
        assert (found.rule, shown) == (rule, secret)
        assert FINGERPRINT.fullmatch(found.fingerprint)

    def test_at_both_ends_of_a_text(self, rule, secret, text):
        data = (secret if text.startswith("it is ") else text).encode()
        assert one(data)[0].rule == rule

    def test_as_a_session_file_writes_it(self, rule, secret, text):
        fingerprint = SCANNER.fingerprint(secret.encode())
        nested = json.dumps({"stdout": f"first\n{text}\nlast"})
        for data in (
            session_of(text),
            session_of(f"# keys\n{text}\n  and more"),
            session_of([{"type": "tool_call", "arguments": {"command": text, "lines": f"a\n{text}"}}]),
            session_of([{"type": "tool_result", "content": nested}]),
            session_of(native={"toolUseResult": {"stdout": text}}),
            session_of(native=raw_line(nested.encode())),
            session_of(native=raw_line(json.dumps({"line": nested}).encode())),
            session_of(title=text),
            session_of(variants=[{"role": "user", "content": text}]),
        ):
            assert {(found.rule, found.fingerprint) for found in SCANNER.scan_session(data)} == {(rule, fingerprint)}

    def test_behind_escapes_and_colours(self, rule, secret, text):
        begun = secret if text.startswith("it is ") else text
        for before in ("\\n", "\\t", "\\u003d", "%3D", "\x1b[32m", "\x1b[1m", '"', "'", "=", ":", "(", "\\\\n"):
            assert one((before + begun).encode())[0].rule == rule

    def test_no_part_of_it_is_anything(self, rule, secret, text):
        if not secret.startswith("-----"):
            assert SCANNER.scan(secret[:16].encode()) == []

    def test_other_rules_do_not_need_it(self, rule, secret, text):
        assert rule not in {found.rule for found in Scanner(KEY, skip={rule}).scan(text.encode())}


def test_two_in_a_row_are_both_found():
    fakes = Fakes(3)
    tokens = [fakes.github(), fakes.github(), "sk_live_" + fakes.an(24), "xai-" + fakes.an(80)]
    for separator in (" ", "\n", ",", "\\n", '","', "my_"[:0] + "/"):
        data = separator.join(tokens).encode()
        assert [data[found.start : found.end].decode() for found in SCANNER.scan(data)] == tokens


def test_a_mark_just_before_a_token_does_not_hide_it():
    fakes = Fakes(4)
    for before in ("https://x_y_z.example.org/", "a-b-c/", "x.y.z/", "my_key="):
        token = fakes.github()
        assert one((before + token).encode())[1] == token


def test_a_longer_word_is_no_token():
    token = Fakes(5).github()
    for data in (f"x{token}", f"{token}{'y' * 300}", f"my-{token}", f"{token}_x"):
        assert SCANNER.scan(data.encode()) == []


def test_aws_secret_beside_its_id():
    fakes = Fakes(6)
    identity, secret = "AKIA" + fakes.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), fakes.base64(40)
    for form in ("{},{}", "id {} secret {}", '{{"a":"{}","b":"{}"}}', "[default]\na = {}\nb = {}\n"):
        data = form.format(identity, secret).encode()
        found = {data[one.start : one.end].decode(): one.rule for one in SCANNER.scan(data)}
        assert found == {identity: "aws-access-key-id", secret: "aws-secret-key"}
    sha1 = hashlib.sha1(b"x").hexdigest()
    assert [one.rule for one in SCANNER.scan(f"{identity} {sha1}".encode())] == ["aws-access-key-id"]


STAND_INS = [
    "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
    "ghp_" + "x" * 36,
    "sk-ant-api03-" + "x" * 90,
    "sk-proj-your-openai-api-key-goes-here",
    "Authorization: Bearer $ANTHROPIC_API_KEY",
    "Authorization: Bearer ${TOKEN}",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE",
    "Authorization: Bearer <your token of sixteen>",
    "authorization: bearer authentication_is_needed",
    "https://user:password@example.org/",
    "https://user:$PASSWORD@example.org/",
    "https://user:${PASS}@example.org/",
    "https://user:{password}@example.org/",
    "https://user:***@example.org/",
    "https://user:%s@example.org/",
    "postgres://postgres:postgres@localhost:5432/x",
    "https://USER:DB_PASSWORD@example.org/",
    "http://localhost:3000/@scope/name",
    "docker://alpine:3.18@sha256:" + "ab" * 32,
    "ssh://git@example.org:22/x",
    "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN " + "CERTIFICATE-----\n" + "QUJD" * 40 + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + "QUJD" * 40 + "\n-----END PUBLIC KEY-----",
    "task-completed-successfully-with-many-words-behind",
    "secret_manager_client_identity_provider_configuration_name",
    "npm_config_registry_authentication_token_name",
    "hf_" + "hub_download_cache_directory_name_x",
    "glpat-this-is-only-a-name-of-words",
    "NetworkConfigurationManag.models.some_function_with_a_long_name",
    "a.eyJ0b2tlbiI6MX0.b",
]


@pytest.mark.parametrize("text", STAND_INS)
def test_a_stand_in_is_no_credential(text):
    assert SCANNER.scan(text.encode()) == []
    assert SCANNER.scan(json.dumps(text).encode()) == []


def random_matter(random):
    """Ids, hashes, images, signatures: what session files are full of."""
    octets = random.randbytes(3000)
    yield str(uuid.UUID(bytes=octets[:16], version=4))
    yield hashlib.sha256(octets).hexdigest()
    yield hashlib.sha1(octets).hexdigest()
    yield "sha512-" + base64.b64encode(hashlib.sha512(octets).digest()).decode()
    yield base64.b64encode(octets).decode()
    yield base64.urlsafe_b64encode(octets).decode()
    yield "toolu_01" + "".join(random.choices(ALNUM, k=22))
    yield "msg_" + "".join(random.choices(ALNUM, k=24))
    yield "req_011" + "".join(random.choices(ALNUM, k=21))
    yield "call_" + "".join(random.choices(ALNUM, k=24))
    yield "gAAAAAB" + "".join(random.choices(DASHED, k=2000)) + "=="
    yield "data:image/png;base64," + base64.b64encode(octets).decode()
    yield "/home/ana/.cache/pip/" + octets[:40].hex() + "/x.whl"


def test_random_matter_is_no_credential():
    random = Random(11)
    for _ in range(300):
        matter = list(random_matter(random))
        text = "\n".join(matter)
        for data in (text.encode(), jsonio.dumps(matter), session_of(text), session_of(native={"all": matter})):
            assert SCANNER.scan(data) == []


def test_client_data_holds_none(shared):
    """Sessions of real clients with scripted models: nothing in them is a credential."""
    for path in (shared / "realdata").rglob("*"):
        if path.is_file():
            assert SCANNER.scan(path.read_bytes()) == [], path


@given(strategies.sessions)
def test_a_session_without_any_has_none(session):
    assert SCANNER.scan_session(codec.dumps(session)) == []


def test_the_fingerprint_is_of_the_credential_and_the_key():
    pem = Fakes(8).pem()
    forms = [
        pem,
        pem.replace("\n", "\\n"),
        pem.replace("\n", "\\\\n"),
        pem.replace("\n", "\n      "),
        pem.replace("\n", "\r\n"),
    ]
    prints = {one(form.encode())[0].fingerprint for form in forms}
    assert len(prints) == 1
    assert {one(form.encode(), Scanner(b"other").scan)[0].fingerprint for form in forms} != prints
    cut_off = "\n".join(pem.split("\n")[:8])
    assert {one(cut_off.encode())[0].fingerprint} == prints
    assert SCANNER.fingerprint(Fakes(9).pem().encode()) not in prints


def test_findings_show_nothing_of_the_credential():
    token = Fakes(10).github()
    found = SCANNER.scan(token.encode())
    assert token[4:12] not in repr(found) and token[4:12] not in found[0].mask


def test_ids_are_left_alone():
    token = Fakes(12).github()
    data = codec.dumps(
        Session(
            token,
            "codex",
            parent=token,
            forked_from=token,
            messages=[Message(token, "user", content="x"), Message("n", "user", content="y", after=None)],
        )
    )
    assert SCANNER.scan_session(data) == []
    assert len(SCANNER.scan(data)) == 4


def test_a_message_does_not_make_its_neighbours_credentials():
    fakes = Fakes(13)
    identity, secret = "AKIA" + fakes.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), fakes.base64(40)
    apart = [Message("a", "user", content=identity), Message("b", "user", content=secret, after="a")]
    data = codec.dumps(Session("s", "codex", messages=apart))
    assert [found.rule for found in SCANNER.scan_session(data)] == ["aws-access-key-id"]


def test_places_are_those_of_the_file():
    fakes = Fakes(14)
    tokens = [fakes.github() for _ in range(6)]
    session = Session("s", "codex", title=tokens[0], native={"x": tokens[1]})
    for number, token in enumerate(tokens[2:]):
        session.messages.append(
            Message(f"m{number}", "user", content=f"line\n{token}", after=f"m{number - 1}" if number else None)
        )
    data = codec.dumps(session)
    assert [data[found.start : found.end].decode() for found in SCANNER.scan_session(data)] == tokens


def test_the_longer_of_two_that_overlap():
    token = Fakes(15).github()
    found, shown = one(f"https://ana:{token}@git.example.org/x.git".encode())
    assert (found.rule, shown) == ("github-token", token)
    found, shown = one(f"Authorization: Bearer {token}".encode())
    assert (found.rule, shown) == ("github-token", token)
    found, shown = one(f"https://ana:pre-fix.{token}@git.example.org/x.git".encode())
    assert (found.rule, shown) == ("url-password", f"pre-fix.{token}")


def test_hostile_text_takes_no_time():
    start = time.process_time()
    for piece in (
        b"eyJ",
        b".eyJ",
        b"://a:",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
        b"Authorization: Bearer ",
        b"sk-",
        b"A",
        b"AKIA",
        b"xoxb-1",
    ):
        SCANNER.scan(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 20


def test_a_scanner_travels():
    scanner = Scanner(KEY, patterns=[Pattern("acme", "acme_[a-z]{8}")], skip={"jwt"})
    copy = pickle.loads(pickle.dumps(scanner))
    data = b"acme_" + b"abcdefgh " + Fakes(16).jwt().encode()
    assert copy.scan(data) == scanner.scan(data) and [found.rule for found in copy.scan(data)] == ["acme"]


def test_marks_of_tokens_have_places():
    assert {rule.mark for rule in RULES if rule.tails} == set(PLACES)
    assert all(len(tail) == 2 for rule in RULES for tail in rule.tails)


class TestOwnPatterns:
    def test_the_group_is_the_credential(self):
        scanner = Scanner(KEY, patterns=[Pattern("acme-token", r"(?i)acme[_-]token[=: ]{1,3}(\S+)")])
        found, shown = one(b"ACME-TOKEN: s3cret!", scanner.scan)
        assert (found.rule, shown) == ("acme-token", "s3cret!")

    def test_it_ends_with_its_text(self):
        scanner = Scanner(KEY, patterns=[Pattern("acme", r"acme=(\S+)")])
        for data in (b'{"a":"acme=s3cret","b":1}', b'"acme=s3cret\\nmore"', b"acme=s3cret\nmore"):
            assert one(data, scanner.scan)[1] == "s3cret"

    def test_it_may_be_long_and_anywhere(self):
        scanner = Scanner(KEY, patterns=[Pattern("acme", r"acme=(\w+)")])
        for before in (0, 1, 4090, 4095, 4096, 5119, 5120, 9000):
            for length in (5, 1000, 5000):
                data = b" " * before + b"acme=" + b"s" * length + b" acme=t"
                assert [found.end - found.start for found in scanner.scan(data)] == [length, 1]

    @pytest.mark.parametrize(
        "expression",
        [
            "(a+)+b",
            r"(?:\w*\s*)*x",
            r"\s*=\s*(\S+)",
            "(?:a|b|ab){1,20}c",
            "(?:a|aa)+c",
            "a?" * 30 + "b",
            "(a{1,90}){1,90}b",
            r"(.+)(.+)x"[:4] + r".+x",
            "(?:(?:a{1,9}){1,9}){1,9}b",
            "(?=(a+)+)b",
        ],
    )
    def test_what_could_hang_is_refused(self, expression):
        with pytest.raises(BadPattern, match=r"could take too long|several groups"):
            Pattern("slow", expression)

    @pytest.mark.parametrize(
        ("name", "expression", "reason"),
        [
            ("acme", "(", "no regular expression"),
            ("acme", "a|", "matches nothing at all"),
            ("acme", "x*", "matches nothing at all"),
            ("acme", "é", "not ASCII"),
            ("acme", "(a)(b)", "several groups"),
            ("acme", r"(a)\1", "no references"),
            ("acme", "(a)?(?(1)b|c)", "no references"),
            ("Acme", "x", "no name"),
            ("a" * 41, "x", "no name"),
            ("", "x", "no name"),
        ],
    )
    def test_what_is_no_pattern_is_refused(self, name, expression, reason):
        with pytest.raises(BadPattern, match=reason):
            Pattern(name, expression)

    @pytest.mark.parametrize(
        "expression",
        [
            "acme_[a-z0-9]{32}",
            r"token[=: ]{1,3}(\S+)",
            r"(?i)int-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}",
            r"\bkey=(?:a|b)c{2,9}",
        ],
    )
    def test_what_people_write_is_taken(self, expression):
        assert ways(expression) <= 5000
        Pattern("fine", expression)

    def test_the_slowest_that_is_taken_ends(self):
        """Just below the limit, on the text it is slowest on."""
        pattern = Pattern("slow", "(?:a{1,70}a{1,70}|x)b")
        start = time.process_time()
        with pytest.raises(TooSlow, match="slow takes too long"):
            list(pattern.find(b"a" * 300_000, seconds=0.2))
        assert time.process_time() - start < 10
