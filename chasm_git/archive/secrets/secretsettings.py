"""What ``chasm.yaml`` says about credentials: what becomes of new ones, of those about to leave, and of each known one.

::

    redact: warn              # off: not looked for; warn: told of; mask: masked before anything is written
    secrets:
      push: refuse            # refuse, warn or off: what is about to leave this machine
      allow: ["1a2b3c4d"]     # fingerprints that may stay and leave (`chasm secrets allow`)
      mask: ["5e6f7a8b"]      # what was masked by hand and comes back from no source (`chasm secrets mask`)
      skip: [jwt]             # built-in rules that are off
      patterns:               # your own: a name and a regular expression
        acme-key: 'ACME-[0-9a-f]{32}'
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chasm_git import __version__
from chasm_git.archive import settings
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session.masking import Masker
from chasm_git.session.reference import ReferenceError
from chasm_git.session.secret_patterns import BadPattern, Pattern
from chasm_git.session.secret_rules import RULES
from chasm_git.session.secrets import FINGERPRINT, Scanner

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

REDACT = ("off", "warn", "mask")
PUSH = ("refuse", "warn", "off")
_NAMES = frozenset(rule.name for rule in RULES)
_KEYS = {"push", "allow", "mask", "skip", "patterns"}


class SettingsUnclear(ChasmError):
    """Whether credentials are to be masked cannot be told, so nothing is written."""


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """How credentials are dealt with. Can be pickled, for worker processes."""

    redact: str = "warn"
    push: str = "refuse"
    allow: frozenset[str] = frozenset()
    mask: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    problems: tuple[str, ...] = ()
    """What in the file cannot be used, with its line."""

    def scanner(self) -> Scanner:
        """Finds what these settings call a credential."""
        return Scanner(patterns=self.patterns, skip=self.skip)

    def masker(self, *, every: bool) -> Masker:
        """Masks what is to be masked; with `every`, all that was not allowed."""
        return Masker(self.scanner(), every=every, masked=self.mask, allowed=self.allow)

    @property
    def digest(self) -> str:
        """Stands for everything that what is found depends on."""
        parts = [__version__, *sorted(self.skip), *(f"{one.name}={one.expression}" for one in self.patterns)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def for_harvest(self, redact: str | None) -> SecretSettings:
        """As a harvest uses them, with what was asked for on the command line.

        Raises UsageError for a mode that is none; SettingsUnclear where something is to be masked, and what, is not
        clear: what is written once stays in the history.
        """
        if redact is not None and redact not in REDACT:
            raise UsageError(f"credentials can be dealt with in these ways: {', '.join(REDACT)}; not {redact!r}")
        chosen = replace(self, redact=redact or self.redact)
        if self.problems and chosen.redact == "mask":
            raise SettingsUnclear(f"{self.problems[0]}; mend that first: what is to be masked may stand there")
        return chosen


def read(archive: Archive, commit: str | None = None) -> SecretSettings:
    """The settings of a commit; without one, as they are now: in the worktree, where there is one, else at the head.

    What cannot be used is in `problems`. Raises MissingObject where a partial clone lacks the file: what is to be
    masked may stand there.
    """
    data = b""
    if commit is None and archive.worktree is not None:
        try:
            data = (archive.worktree / settings.PATH).read_bytes()
        except OSError:
            data = archive.file(archive.head(), settings.PATH) or b""
    else:
        data = archive.file(commit or archive.head(), settings.PATH) or b""
    return parse(data)


def parse(data: bytes) -> SecretSettings:
    """The settings in a file."""
    if all(not line.strip() or line.lstrip().startswith(b"#") for line in data.splitlines()):
        return SecretSettings()  # a file of comments, as most are, is not worth starting a YAML reader
    try:
        found = settings.values(data)
    except ReferenceError as error:
        where = f":{error.line}" if error.line is not None else ""
        return SecretSettings(redact="mask", problems=(f"{settings.PATH}{where}: {error}",))
    return _Parser(data, found).settings()


class _Parser:
    """Takes what can be used, and says what cannot."""

    def __init__(self, data: bytes, found: dict[str, Any]) -> None:
        self._data = data
        self._found = found
        self._problems: list[str] = []

    def settings(self) -> SecretSettings:
        section = self._found.get("secrets")
        if section is not None and type(section) is not dict:
            self._say("a map with push, allow, mask, skip or patterns is wanted", "secrets")
        section = section if type(section) is dict else {}
        for name in section:
            if name not in _KEYS:
                self._say(f"there is no such setting; there are {', '.join(sorted(_KEYS))}", "secrets", name)
        return SecretSettings(
            redact=self._choice(self._found.get("redact"), REDACT, "warn", "redact"),
            push=self._choice(section.get("push"), PUSH, "refuse", "secrets", "push"),
            allow=frozenset(self._prints(section.get("allow"), "allow", ())),
            mask=frozenset(self._prints(section.get("mask"), "mask", _NAMES | set(_names(section.get("patterns"))))),
            skip=frozenset(self._rules(section.get("skip"))),
            patterns=tuple(self._patterns(section.get("patterns"))),
            problems=tuple(self._problems),
        )

    def _say(self, text: str, *names: str) -> None:
        line = settings.line_of(self._data, *names)
        self._problems.append(f"{settings.PATH}:{line}: {': '.join(names)}: {text}")

    def _choice(self, value: Any, choices: tuple[str, ...], default: str, *names: str) -> str:
        if value is None:
            return default
        if value is False:
            value = "off"
        if value not in choices:
            self._say(f"one of {', '.join(choices)} is wanted, not {value!r}", *names)
            return default
        return str(value)

    def _listed(self, value: Any, name: str) -> list[Any]:
        if value is None:
            return []
        if type(value) is not list:
            self._say("a list is wanted", "secrets", name)
            return []
        return value

    def _prints(self, value: Any, name: str, others: Iterable[str]) -> list[str]:
        found = []
        for item in self._listed(value, name):
            text = f"{item:08}" if type(item) is int else item  # one of digits alone, not quoted
            if type(text) is str and (FINGERPRINT.fullmatch(text) or text in others):
                found.append(text)
            else:
                self._say(f"{item!r} is no fingerprint (eight hexadecimal digits, quoted)", "secrets", name)
        return found

    def _rules(self, value: Any) -> list[str]:
        found = []
        for item in self._listed(value, "skip"):
            if item in _NAMES:
                found.append(item)
            else:
                self._say(f"there is no rule {item!r}", "secrets", "skip")
        return found

    def _patterns(self, value: Any) -> list[Pattern]:
        if value is None:
            return []
        if type(value) is not dict:
            self._say("a map is wanted: a name and a regular expression each", "secrets", "patterns")
            return []
        found = []
        for name, expression in value.items():
            try:
                if type(name) is not str or type(expression) is not str:
                    raise BadPattern("a name and a regular expression are wanted, both of them text")
                found.append(Pattern(name, expression))
            except BadPattern as error:
                self._say(str(error), "secrets", "patterns", name)
        return found


def _names(value: Any) -> list[str]:
    return [name for name in value if type(name) is str] if type(value) is dict else []
