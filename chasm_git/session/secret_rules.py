"""What credentials look like: one table of precise patterns.

A rule is precise where nothing but a credential of its service looks like it: a fixed beginning with enough random
characters behind it, or a place where only a credential stands (``://user:HERE@``). Nothing is found for being random
alone: session files are full of hashes, ids and signatures.

Trying every pattern at every byte would cost more than all other work on a file. So each rule names a *mark*, a byte or
a few that are rare in text, and what stands `near` it; `secrets` searches for the marks and tries a rule only there.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

from chasm_git.session import jsonio

Check = Callable[[bytes, bytes], bool]
"""Called with the credential and with all that the pattern matched."""

_AN = rb"[A-Za-z0-9]"
_HEX = rb"[0-9a-f]"
_W = rb"[A-Za-z0-9_-]"
_ESCAPED = rb"|(?<=\\[nrtbf])|(?<=\\u00[0-9A-Fa-f]{2})|(?<=%[0-9A-Fa-f]{2})|(?<=[0-9\[]m)"
_START = rb"(?:(?<![A-Za-z0-9_-])" + _ESCAPED + rb")"
"""Where a token may begin: not inside a longer word, except right behind an escape or a terminal's colour."""
_END = rb"(?![A-Za-z0-9_])"

TOKEN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
"""Characters of tokens."""
LONGEST_BEFORE = 2048
LONGEST_OPENING = 220

_STAND_IN = re.compile(rb"(?i)example|placeholder|redacted|your[_-]|change-?me|\.\.\.|\*\*\*")
_COMMON = frozenset(
    b"admin changeme default example guest key login mypass mypassword mysecretpassword mysql pass passw0rd passwd "
    b"password password1 password123 postgres postgresql pwd rabbitmq redis root secret sa test test123 testing token "
    b"user username x-access-token x-oauth-basic yourpassword".split()
)
_VARIABLE = re.compile(rb"[A-Z][A-Z_]*")
_FEW = 5
"""A credential has more different characters than that; ``xxxx`` and ``0000`` have not."""


@dataclass(frozen=True)
class Rule:
    """One kind of credential."""

    name: str
    mark: bytes
    near: bytes
    """An expression that holds right behind the mark; b"" for tokens (see `tails`)."""
    pattern: bytes
    """The full expression, with the mark in it. Its one group is the credential."""
    check: Check
    """Whether it is a credential, not the stand-in for one in some documentation."""
    lead: int = 0
    """How far before the mark a match begins, where that is always the same."""
    opening: bytes = b""
    """What a match begins with, where that stands somewhere (at most `LONGEST_OPENING` bytes) before the mark."""
    before: bytes = b""
    """What may stand before the mark in a match, where that differs (at most `LONGEST_BEFORE` of these bytes)."""
    tails: frozenset[bytes] = frozenset()
    """Of a token: the pairs of bytes that may stand before the mark."""
    is_bound: bool = False
    """Known as a credential by what stands beside it, which may be another value of the record."""
    is_chosen: bool = False
    """A person may have thought it up, so it can be guessed: nothing that is made from it may be shown."""


def is_credible(secret: bytes, matched: bytes = b"") -> bool:
    """Whether a token is none of the stand-ins people write."""
    return len(set(secret[len(secret) // 3 :])) > _FEW and _STAND_IN.search(secret) is None


def _is_mixed(secret: bytes, matched: bytes) -> bool:
    """For tokens that may hold dashes: words joined by them are no token."""
    body = secret[6:]
    return is_credible(secret) and (body.lower() != body or any(48 <= byte < 58 for byte in body))


def _is_jwt(secret: bytes, matched: bytes) -> bool:
    if b".eyJzdWIiOiIxMjM0NTY3ODkwIiw" in secret:  # the example every page about them shows
        return False
    head = secret.partition(b".")[0]
    try:
        value = jsonio.loads(base64.urlsafe_b64decode(head + b"=" * (-len(head) % 4)))
    except ValueError:
        return False
    return type(value) is dict and ("alg" in value or "enc" in value)


def _is_discord(secret: bytes, matched: bytes) -> bool:
    """A bot's token begins with its number, in base64."""
    head = secret.partition(b".")[0]
    try:
        return base64.b64decode(head + b"=" * (-len(head) % 4)).isdigit()
    except (binascii.Error, ValueError):
        return False


def _is_aws_secret(secret: bytes, matched: bytes) -> bool:
    body = secret.replace(b"\\", b"")
    mixed = body.upper() != body and body.lower() != body and any(48 <= byte < 58 for byte in body)
    return mixed and is_credible(body)


def _is_header(secret: bytes, matched: bytes) -> bool:
    return is_credible(secret) and any(48 <= byte < 58 for byte in secret)


def _is_url_password(secret: bytes, matched: bytes) -> bool:
    """A password, not the word for one, nor the user's name again."""
    user = matched.partition(b"://")[2].partition(b":")[0]
    return (
        len(set(secret)) > 2
        and secret != user
        and secret.lower() not in _COMMON
        and _VARIABLE.fullmatch(secret) is None
        and _STAND_IN.search(secret) is None
    )


def _is_key(secret: bytes, matched: bytes) -> bool:
    return len(pem_body(secret)) >= 64


_PEM_MARK = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]*-----")
_BREAK = re.compile(rb"\\+[nrt]|\\+u000[adAD9]")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def pem_body(block: bytes) -> bytes:
    """The base64 of a PEM block, whichever way its lines are broken or escaped."""
    return _NOT_BASE64.sub(b"", _BREAK.sub(b"", _PEM_MARK.sub(b"", block)))


def _tokens(name: str, beginnings: bytes, body: bytes, check: Check = is_credible) -> Iterator[Rule]:
    """Rules for tokens that begin in one of these ways (expressions of classes and letters), with the mark as its end.

    The body has 18 characters at least, all of them of base64 in either alphabet.
    """
    for beginning in beginnings.split():
        letters = _LETTER.findall(beginning)
        tails = frozenset(map(bytes, product(*(_choices(letter) for letter in letters[-3:-1]))))
        pattern = _START + rb"(" + beginning + body + rb")" + _END
        yield Rule(name, beginning[-1:], b"", pattern, check, lead=len(letters) - 1, tails=tails)


def _choices(letter: bytes) -> bytes:
    """The bytes that one letter or class of an expression stands for."""
    return bytes(byte for byte in range(128) if re.fullmatch(letter, bytes((byte,))))


_LETTER = re.compile(rb"\[[^]]*\]|\\.|.")
_PEM_KIND = rb"(?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
_QUOTES = rb"""["'\\\]\s]{0,24}"""
_AWS_SECRET = rb"((?:[A-Za-z0-9+]|\\{0,3}/){40})(?![A-Za-z0-9/+=])"
_SIG = rb"sig=((?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:%3[Dd]|=))(?![A-Za-z0-9=%])"
_QUERY = rb"(?:[^\s\"'<>]{0,600}?[&;6])?"
_SAS = rb"[^\s\"'<>]{0,600}?[?&;6=]" + _SIG
_URL_TEXT = rb"""[^\s/@:"'\\<>(){}\[\]?#$*%`,]"""

RULES: tuple[Rule, ...] = (
    # source code and packages
    *_tokens("github-token", rb"gh[pousr]_", _AN + rb"{36,255}"),
    *_tokens("github-token", rb"github_pat_", _AN + rb"{22}_" + _AN + rb"{59}"),
    *_tokens(
        "gitlab-token",
        rb"gl[drf]t- glpat- glptt- glcbt- glimt- gloas- glsoat- glffct- glagent-",
        _W + rb"{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        _is_mixed,
    ),
    Rule("bitbucket-token", b"A", rb"TBB", _START + rb"(ATBB" + _AN + rb"{32})" + _END, is_credible),
    *_tokens("sourcegraph-token", rb"sgp_", rb"(?:" + _AN + rb"{16}_|local_)?" + _HEX + rb"{40}"),
    *_tokens("npm-token", rb"npm_", _AN + rb"{36}"),
    Rule(
        "npm-token",
        b"_",
        b"",
        rb"_authToken=([A-Za-z0-9_./+=-]{20,300})",
        _is_mixed,
        tails=frozenset((b"/:",)),
    ),
    *_tokens("pypi-token", rb"pypi-", rb"AgE" + _W + rb"{50,500}"),
    *_tokens("rubygems-key", rb"rubygems_", _HEX + rb"{48}"),
    *_tokens("docker-token", rb"dckr_[po]at_", _W + rb"{27,32}", _is_mixed),
    # models
    *_tokens("anthropic-key", rb"sk-", rb"ant-[a-z]{2,6}[0-9]{2}-" + _W + rb"{20,250}", _is_mixed),
    *_tokens("openai-key", rb"sk-", rb"(?:proj|svcacct|admin|None)-" + _W + rb"{20,250}", _is_mixed),
    *_tokens("openrouter-key", rb"sk-", rb"or-v1-" + _HEX + rb"{64}"),
    *_tokens("langfuse-key", rb"sk-", rb"lf-" + _HEX + rb"{8}(?:-" + _HEX + rb"{4}){3}-" + _HEX + rb"{12}"),
    *_tokens("openai-key", rb"sk-", _AN + rb"{32,64}", _is_mixed),
    *_tokens("huggingface-token", rb"hf_ api_org_", _AN + rb"{34}"),
    *_tokens("groq-key", rb"gsk_", _AN + rb"{52}"),
    *_tokens("xai-key", rb"xai-", _AN + rb"{80}"),
    *_tokens("replicate-token", rb"r8_", _AN + rb"{37}"),
    *_tokens("nvidia-key", rb"nvapi-", _W + rb"{60,70}", _is_mixed),
    *_tokens("perplexity-key", rb"pplx-", _AN + rb"{48}"),
    *_tokens("cerebras-key", rb"csk-", rb"[a-z0-9]{48}"),
    *_tokens("together-key", rb"tgp_v1_", _W + rb"{43}", _is_mixed),
    *_tokens("elevenlabs-key", rb"sk_", _HEX + rb"{48}"),
    *_tokens("langsmith-key", rb"lsv2_pt_ lsv2_sk_", _HEX + rb"{32}_" + _HEX + rb"{10}"),
    *_tokens("tavily-key", rb"tvly-", rb"(?:dev-|prod-)?" + _AN + rb"{32}"),
    *_tokens("pinecone-key", rb"pcsk_", _AN + rb"{5,8}_" + _AN + rb"{50,70}"),
    # clouds
    Rule("aws-access-key-id", b"A", rb"[KS]IA", _START + rb"(A[KS]IA[A-Z2-7]{16})" + _END, is_credible),
    Rule(
        "aws-secret-key",
        b"A",
        rb"[KS]IA",  # beside its id
        _START + rb"A[KS]IA[A-Z2-7]{16}(?=[^A-Za-z0-9/+])[\s\S]{0,80}?[^A-Za-z0-9/+=]" + _AWS_SECRET,
        _is_aws_secret,
        is_bound=True,
    ),
    Rule(
        "aws-secret-key",
        b"A",
        rb"ccessKey(?<=ecretAccessKey)",
        rb"AccessKey" + _QUOTES + rb"[:=,>]" + _QUOTES + _AWS_SECRET,
        _is_aws_secret,
        is_bound=True,
    ),
    Rule(
        "aws-secret-key",
        b"_",
        b"",
        rb"(?i:aws_secret_access_key)" + _QUOTES + rb"[:=,]" + _QUOTES + _AWS_SECRET,
        _is_aws_secret,
        lead=3,
        tails=frozenset((b"ws", b"WS")),
        is_bound=True,
    ),
    Rule("google-key", b"A", rb"Iza", _START + rb"(AIza" + _W + rb"{35})(?!" + _W + rb")", is_credible),
    *_tokens("google-oauth-token", rb"ya29\.", _W + rb"{30,500}", _is_mixed),
    *_tokens("google-client-secret", rb"GOCSPX-", _W + rb"{28}", _is_mixed),
    Rule(
        "azure-storage-key",
        b"A",
        rb"ccountKey=",
        rb"AccountKey=([A-Za-z0-9+/]{86}==)",
        is_credible,
    ),
    Rule("azure-access-key", b"A", rb"ccessKey=", rb"(?<=Shared)AccessKey=([A-Za-z0-9+/]{43}=)", is_credible),
    Rule("azure-sas", b"?", _QUERY + rb"sig=", rb"\?" + _QUERY + _SIG, is_credible),
    Rule("azure-sas", b"A", rb"ccessSignature=", rb"AccessSignature=" + _SAS, is_credible),
    *_tokens("digitalocean-token", rb"do[opr]_v1_", _HEX + rb"{64}"),
    *_tokens("vault-token", rb"hv[sbr]\.", _W + rb"{24,300}", _is_mixed),
    *_tokens("doppler-token", rb"dp\.[a-z][a-z]\.", rb"(?:[a-z0-9_-]{2,35}\.)?" + _AN + rb"{40,44}"),
    *_tokens("pulumi-token", rb"pul-", _HEX + rb"{40}"),
    *_tokens("fly-token", rb"fm2_", rb"[A-Za-z0-9+/=_-]{60,800}"),
    *_tokens("netlify-token", rb"nf[pcoub]_", _AN + rb"{36,40}"),
    *_tokens("supabase-token", rb"sbp_", _HEX + rb"{40}"),
    *_tokens("supabase-key", rb"sb_secret_", _W + rb"{31,40}", _is_mixed),
    *_tokens("planetscale-token", rb"pscale_tkn_ pscale_pw_ pscale_oauth_", rb"[A-Za-z0-9_.=-]{32,64}", _is_mixed),
    *_tokens("tailscale-key", rb"tskey-", rb"(?:api|auth|client|scim|webhook)-" + _W + rb"{20,60}", _is_mixed),
    # services
    *_tokens("slack-token", rb"xox[abeoprs]-", rb"(?=[A-Za-z0-9-]{0,24}[0-9]{8})[A-Za-z0-9-]{20,300}"),
    *_tokens("slack-token", rb"xapp-", rb"[0-9]-[A-Z0-9]{8,14}-[0-9]{10,14}-[a-f0-9]{60,70}"),
    Rule(
        "slack-webhook",
        b".",
        rb"(?<=slack\.)com/",
        rb"\.com/(?:services|workflows|triggers)/([A-Z0-9]{8,14}/[A-Z0-9]{8,20}/[A-Za-z0-9]{18,48})" + _END,
        is_credible,
    ),
    Rule(
        "discord-webhook",
        b".",
        rb"com/api/webhooks/",
        rb"\.com/api/webhooks/([0-9]{17,20}/" + _W + rb"{60,80})",
        is_credible,
    ),
    Rule(
        "discord-token",
        b".",
        rb"(?=[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27})",
        _START + rb"([MNO][A-Za-z0-9]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38})" + _END,
        _is_discord,
        before=TOKEN,
    ),
    Rule(
        "telegram-token",
        b"A",
        rb"(?<=[0-9]{8}:A)A",
        rb"([0-9]{8,10}:AA" + _W + rb"{33})(?!" + _W + rb")",
        is_credible,
        before=b"0123456789:",
    ),
    *_tokens("stripe-key", rb"[sr]k_live_ [sr]k_prod_", _AN + rb"{20,250}"),
    *_tokens("stripe-webhook-secret", rb"whsec_", rb"[A-Za-z0-9+/]{32,64}={0,2}"),
    *_tokens("square-secret", rb"sq0csp-", _W + rb"{43}"),
    *_tokens("shopify-token", rb"shpat_ shpca_ shppa_ shpss_", rb"[0-9a-fA-F]{32}"),
    *_tokens("sendgrid-key", rb"SG\.", _W + rb"{20,24}\." + _W + rb"{39,50}"),
    *_tokens("brevo-key", rb"xkeysib-", _HEX + rb"{64}-" + _AN + rb"{16}"),
    Rule(
        "mailchimp-key",
        b"-",
        rb"(?<=[0-9a-f]{32}-)us[0-9]",
        _START + rb"([0-9a-f]{32}-us[0-9]{1,2})" + _END,
        is_credible,
        lead=32,
    ),
    Rule("twilio-key", b"SK", rb"[0-9a-f]{32}", _START + rb"(SK[0-9a-f]{32})" + _END, is_credible),
    Rule("atlassian-token", b"A", rb"T[AC]TT3", _START + rb"(AT[AC]TT3[\w=-]{60,300})", is_credible),
    *_tokens("linear-key", rb"lin_api_", _AN + rb"{40}"),
    *_tokens("notion-token", rb"ntn_", _AN + rb"{40,60}"),
    *_tokens("notion-token", rb"secret_", _AN + rb"{43}"),
    *_tokens("figma-token", rb"fig[du]_", _W + rb"{36,60}", _is_mixed),
    *_tokens("postman-key", rb"PMAK-", _HEX + rb"{24}-" + _HEX + rb"{34}"),
    *_tokens("newrelic-key", rb"NRAK-", rb"[A-Z0-9]{27}"),
    *_tokens("grafana-token", rb"glsa_", _AN + rb"{32}_[0-9A-Fa-f]{8}"),
    *_tokens("grafana-token", rb"glc_", rb"eyJ[A-Za-z0-9+/]{40,400}={0,2}"),
    *_tokens("sentry-token", rb"sntrys_", rb"eyJ[A-Za-z0-9+/=_-]{60,500}"),
    *_tokens("sentry-token", rb"sntryu_", _HEX + rb"{64}"),
    *_tokens("buildkite-token", rb"bkua_", _HEX + rb"{40}"),
    *_tokens("circleci-token", rb"CCIPAT_", _AN + rb"{22}_" + _HEX + rb"{40}"),
    Rule(
        "airtable-token",
        b".",
        rb"(?=[0-9a-f]{64})",
        _START + rb"(pat[A-Za-z0-9]{14}\.[0-9a-f]{64})" + _END,
        is_credible,
        lead=17,
    ),
    *_tokens("1password-token", rb"ops_", rb"eyJ[A-Za-z0-9+/=_-]{200,2000}"),
    *_tokens("age-key", rb"AGE-SECRET-KEY-", rb"1[A-Z0-9]{58}"),
    # of no one service
    Rule(
        "private-key",
        b"-",
        rb"BEGIN [A-Z0-9 ]{0,22}PRIVATE KEY",
        # cut off before its end, it still holds most of the key
        rb"(-----BEGIN " + _PEM_KIND + rb"(?:(?:(?!-----BEGIN)[\s\S]){0,24000}?-----END " + _PEM_KIND
        + rb"|(?:[A-Za-z0-9+/=\s]|\\+[nrt]){0,24000}))",
        _is_key,
        lead=4,
    ),
    Rule(
        "jwt",
        b".",
        rb"eyJ[A-Za-z0-9_-]{8}",
        rb"(?:(?<![A-Za-z0-9_.-])" + _ESCAPED + rb")"
        rb"(eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{8,16000}\.[A-Za-z0-9_-]{20,2000})(?![A-Za-z0-9_-])",
        _is_jwt,
        before=TOKEN,
    ),
    Rule(
        "authorization",
        b"uthorization",
        rb"""(?=["'\\\]\s]{0,24}[:=,(])""",
        rb"""uthorization["'\\\]\s]{0,24}[:=,(]["'\\\s]{0,24}(?i:bearer|basic|token|bot)(?:\s|%20|\+){1,3}"""
        rb"((?:[A-Za-z0-9._~+-]|\\{0,3}/){16,4000}={0,2})",
        _is_header,
        is_bound=True,
        is_chosen=True,
    ),
    Rule(
        "url-password",
        b"@",
        rb"(?!sha\d)",
        rb"(?<=[A-Za-z0-9])://" + _URL_TEXT + rb"{0,80}:((?![*$])(?:" + _URL_TEXT
        + rb"|%[0-9A-Fa-f]{2}|[*$]){4,128})@(?!sha\d)",
        _is_url_password,
        opening=b"://",
        is_chosen=True,
    ),
)  # fmt: skip
"""In the order of precedence: where two match in one place, the first one names it."""

PLACES: dict[bytes, bytes] = {
    b"_": rb"_(?<=%s%s_)(?=[A-Za-z0-9_+/=-]{17})",
    b"-": rb"-(?:BEGIN |us[0-9]|(?<=%s%s-)(?=[A-Za-z0-9_+/-]{20}))",
    b".": rb"\.(?=[A-Za-z0-9_.+/-]{20})",
}
"""For the marks that are frequent: where a rule is worth trying, in one expression for all rules with that mark. ``%s``
are the two bytes that come before the mark in tokens. For other marks it is where any rule's `near` holds."""

RAREST: dict[bytes, int] = {b"SK": 1, b"uthorization": 6, b"@": 0, b"?": 0}
"""For marks with a byte that text hardly ever has: where in them it stands. Looking for one byte is the fastest."""
