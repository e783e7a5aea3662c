"""Credentials in what a harvest reads: told of, or masked before anything of it is written.

A session is looked at where it was read, in a worker process. Of one the archive has already, only messages that are
new or changed are looked at, so everything is told of once.

With masks on, all three sides of the join are masked: what is read, what the provider held last, what the archive has.
So a session that was harvested before masks were on has not been rewritten by its provider, it is only masked; and no
file that a harvest writes holds a credential that it was to mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chasm_git.archive.secrets.secretsettings import SecretSettings
from chasm_git.providers.base import Problem
from chasm_git.session import attachments
from chasm_git.session.secret_findings import Sighting, masked_text, news, sightings
from chasm_git.session.secret_patterns import TooSlow
from chasm_git.session.secrets import MASK, Finding, Scanner

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Verdicts = dict[str, list[Sighting]]
"""Blob id -> everything that was found in it, decided about or not."""


class Screen:
    """Looks at the sessions of one source and their attachments.

    Args:
        settings: with the mode of this harvest (`SecretSettings.for_harvest`).
        archive: gives the attachments it has.
        found: the attachments that came with the source.
        known: names of attachments that were looked at when they came.

    Attributes:
        verdicts: of session files that were looked at from beginning to end.
        attached: by name, what was found in the attachments that are new.
        problems: patterns that took too long.

    Raises TooSlow where something is to be masked, and it cannot be told what.
    """

    def __init__(self, settings: SecretSettings, archive: Archive, found: Mapping[str, bytes], known: set[str]) -> None:
        self.verdicts: Verdicts = {}
        self.problems: list[Problem] = []
        self._settings = settings
        self._archive = archive
        self._found = found
        self._scanner = settings.scanner()
        self._masker = settings.masker(every=settings.redact == "mask")
        self._masks = settings.redact == "mask" or bool(settings.mask)
        self.attached = self._look_at_attachments(known)

    def masked(self, data: bytes) -> bytes:
        """A session file as it may be written. Raises TooSlow, CodecError for one that cannot be masked."""
        return self._masker.apply(data, self._load) if self._masks else data

    def attachments(self) -> dict[str, bytes]:
        """Those that came, and those that were made, as they may be written."""
        if not self._masks:
            return dict(self._found)
        files = (self._masker.attachment(name, self._load) for name in self._found)
        names = [file.name for file in files if file is not None]
        made = self._masker.made
        return {**{name: made[name] if name in made else self._found[name] for name in names}, **made}

    def title(self, text: str) -> str:
        """A title, which also stands in the commit message: never with a credential in it."""
        try:
            return masked_text(text, self._scanner)
        except TooSlow as error:
            self._without(error)
            return self.title(text)

    def look(self, before: bytes | None, now: bytes, blob: str) -> list[Sighting]:
        """The credentials that came into a session and that nobody has decided about; `blob`: the id of `now`."""
        if self._settings.redact == "off":
            return []
        try:
            found = self._look(before, now, blob)
        except TooSlow as error:
            self._without(error)
            return self.look(before, now, blob)
        return [one for one in found if one.fingerprint not in self._settings.allow]

    def masks_in(self, before: bytes | None, now: bytes) -> int:
        """How many masks came into a session."""
        if not self._masks:
            return 0
        return max(len(MASK.findall(now)) - len(MASK.findall(before or b"")), 0)

    def _look(self, before: bytes | None, now: bytes, blob: str) -> list[Sighting]:
        if before is None:
            found = sightings(now, self._scanner.scan_session(now))
            self.verdicts[blob] = list(found)
        else:
            found = news(before, now, self._scanner)
        for name, inside in self.attached.items():
            if inside and name.encode() in now and (before is None or name.encode() not in before):
                found += inside
        return found

    def _look_at_attachments(self, known: set[str]) -> dict[str, list[Sighting]]:
        found = {}
        for name, data in self.attachments().items():
            if name not in known:
                found[name] = sightings(data, self._scan(data), is_session=False)
        return found

    def _scan(self, data: bytes) -> list[Finding]:
        try:
            return self._scanner.scan(data)
        except TooSlow as error:
            self._without(error)
            return self._scan(data)

    def _without(self, error: TooSlow) -> None:
        """Go on without a pattern: one less is found in this source, and that is said."""
        self.problems.append(Problem("chasm.yaml", f"secrets: {error}; it is not looked for here", fatal=False))
        left = tuple(one for one in self._scanner.patterns if one.name != error.name)
        self._scanner = Scanner(patterns=left, skip=self._settings.skip)
        self.verdicts = {}

    def _load(self, name: str) -> bytes:
        if name in self._found:
            return self._found[name]
        return self._archive.read_path(self._archive.head(), attachments.path_of(name))
