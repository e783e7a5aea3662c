"""Finding sessions: the index says which may match and how well, the texts themselves say whether and where.

A session matches if all that is wanted stands in its messages (in those the query looks into), and nothing unwanted
does. Ranking is BM25 over sessions, with a weight for what kind of text a term stands in and a mild one for recency.
"""

from __future__ import annotations

import datetime as dt
import heapq
import math
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from chasm_git.cache.found import Hit, Match, Results, match_of
from chasm_git.cache.kept import KINDS, OF_SESSION, Text
from chasm_git.cache.query import Query, Term, substring
from chasm_git.cache.schema import BELOW_KIND, BELOW_SESSION, kind_of, rows_of, session_of
from chasm_git.cache.scope import COLUMNS, counts, is_chosen, may_count
from chasm_git.cache.snippet import snippet
from chasm_git.cache.text import fold
from chasm_git.cache.texts import Texts

_WEIGHTS = (8.0, 3.0, 2.0, 1.0, 1.0, 0.7, 0.3, 1.0, 4.0, 6.0)
_FILE = KINDS.index("file")
_K1, _B = 1.2, 0.6
_RECENT, _FADE = 0.3, 30.0
"""How much more the latest session counts, and days in which that fades to a third."""
_TOGETHER = 1.25
"""How much more a session counts that has all terms in one chunk."""
_LOOKED_INTO = 3
"""Chunks of a session that are looked into for its best messages, for each term."""
_MOST_PARTS = 5000
_FEW = 8
"""The best of a list, if they are less than one in so many, are found sooner than the list is sorted."""
_SHOWN = 3
_MOST_CHOSEN = 8
_ALL = Term((), "", "", "", False)


class _Spot(NamedTuple):
    """A text that matches, with where."""

    text: Text
    terms: int
    spans: list[tuple[int, int]]
    """In the folded text."""


class _Candidates:
    """Chunks that may match a term."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows
        """In order, so that those of a session stand together."""
        self.weights: dict[int, float] = {}
        """Session -> what its chunks count together."""
        kinds, above, weight = _WEIGHTS, -1, 0.0
        for row in rows:  # tens of thousands of a common word: `session_of` and `kind_of`, in line
            number = row >> BELOW_SESSION
            if number != above:
                self.weights[above], above, weight = weight, number, 0.0
            weight += kinds[row >> BELOW_KIND & 15]
        self.weights[above] = weight
        del self.weights[-1]

    def of(self, session: int) -> list[int]:
        """Those of one session."""
        first, behind = rows_of(session)
        return self.rows[bisect_left(self.rows, first) : bisect_left(self.rows, behind)]


Sessions = dict[int, tuple[str, float, float]]
"""Sessions by number: the time of the latest message, its length in BM25, how much more it counts for being recent."""


class Known:
    """What searches of one state of the cache share, for who asks often: its sessions, and those some fields leave."""

    def __init__(self) -> None:
        self.sessions: Sessions | None = None
        self.chosen: dict[str, Sessions] = {}


def search(connection: sqlite3.Connection, query: Query, limit: int = 20, known: Known | None = None) -> Results:
    """The sessions that match, at most `limit`. Raises sqlite3.Error where the cache is damaged.

    Args:
        known: what searches of this very state of the cache share.
    """
    return _Search(connection, query, known or Known()).run(limit)


def sessions_left(connection: sqlite3.Connection, query: Query) -> Sessions:
    """The sessions that the fields of a query leave. Raises sqlite3.Error where the cache is damaged."""
    return _Search(connection, query, Known())._sessions()


def _all_sessions(connection: sqlite3.Connection) -> Sessions:
    """All sessions of the cache."""
    rows = connection.execute("SELECT number, updated, size FROM sessions").fetchall()
    average = sum(size for _, _, size in rows) / max(1, len(rows)) or 1.0
    days = {day: _day_of(day) for day in {(updated or "")[:10] for _, updated, _ in rows}}
    latest = max(days.values(), default=0)
    recent = {day: 1 + _RECENT * math.exp((number - latest) / _FADE) for day, number in days.items()}
    return {
        number: (updated or "", _K1 * (1 - _B + _B * size / average), recent[(updated or "")[:10]])
        for number, updated, size in rows
    }


class _Search:
    def __init__(self, connection: sqlite3.Connection, query: Query, known: Known) -> None:
        self._db = connection
        self._query = query
        self._known = known
        self._texts = Texts(connection)

    def run(self, limit: int) -> Results:
        self._db.execute("BEGIN")  # one state of the cache from the first look to the last
        try:
            return self._run(limit)
        finally:
            self._db.execute("ROLLBACK")

    def _run(self, limit: int) -> Results:
        unread = self._db.execute("SELECT path, reason FROM unread ORDER BY path").fetchall()
        looks_inside = self._query.looks_into_messages()
        wanted = self._query.wanted or ([_ALL] if looks_inside else [])
        sessions = self._sessions()
        candidates = [self._candidates(term) for term in wanted]
        for found in candidates:
            sessions = {number: facts for number, facts in sessions.items() if number in found.weights}
        unwanted = [(term, self._candidates(term)) for term in self._query.unwanted]
        uncertain = looks_inside or any(not term.certain for term in wanted) or bool(unwanted)
        results = Results(unread=unread, total=None if uncertain else len(sessions))
        for score, number in self._ranked(wanted, candidates, sessions, limit):
            if len(results.matches) >= limit:
                break
            if uncertain and not self._holds(number, wanted, candidates, unwanted):
                continue
            results.matches.append(self._match(number, score, wanted, [found.of(number) for found in candidates]))
        else:
            results.total = len(results.matches)
        return results

    def _sessions(self) -> Sessions:
        """Sessions the fields leave."""
        known = self._known
        if known.sessions is None:
            known.sessions = _all_sessions(self._db)
        asked = self._query.fields, self._query.not_fields
        if not any(asked):
            return known.sessions
        key = repr(asked)
        if key not in known.chosen:
            if len(known.chosen) >= _MOST_CHOSEN:
                known.chosen.clear()
            known.chosen[key] = self._choose(known.sessions)
        return known.chosen[key]

    def _choose(self, sessions: Sessions) -> Sessions:
        query = self._query
        rows = self._db.execute(f"SELECT {COLUMNS} FROM sessions")
        chosen = {row[0]: sessions[row[0]] for row in rows if is_chosen(query, row)}
        if "file" in query.fields:
            holding = set[int]().union(*map(self._with_file, query.fields["file"]))
            chosen = {number: facts for number, facts in chosen.items() if number in holding}
        for value in query.not_fields.get("file", ()):
            holding = self._with_file(value)
            chosen = {number: facts for number, facts in chosen.items() if number not in holding}
        return chosen

    def _with_file(self, value: str) -> set[int]:
        """Sessions that name a file; any, where only wildcards are asked for."""
        term = substring(value.strip("*"))
        if term is None:
            return {session_of(row) for (row,) in self._db.execute("SELECT row FROM chunks") if kind_of(row) == _FILE}
        found: set[int] = set()
        for row in self._rows(term):
            if kind_of(row) != _FILE or session_of(row) in found:
                continue
            if self._texts.may_hold(row, term) and any(
                self._texts.holds(term, text) for text in self._texts.chunk(row)
            ):
                found.add(session_of(row))
        return found

    def _candidates(self, term: Term) -> _Candidates:
        return _Candidates(self._rows(term))

    def _rows(self, term: Term) -> list[int]:
        """Chunks that may match a term, in order."""
        asked = []
        for how, text in dict.fromkeys(term.needed):
            if how == "exact":
                asked.append(f'"{text}"')
            elif how == "prefix":
                asked.append(f'"{text}" *')
            else:
                held = self._terms_with(text, at_end=how == "suffix")
                if held is not None:
                    asked.append("(" + " OR ".join(f'"{one}"' for one in held) + ")")
        if not asked:
            return [row for (row,) in self._db.execute("SELECT row FROM chunks ORDER BY row")]
        # tens of thousands of a common word: one text is handed over in half the time
        listed = self._db.execute(
            "SELECT json_group_array(rowid) FROM words WHERE words MATCH ?", (" AND ".join(asked),)
        )
        found: list[int] = orjson.loads(listed.fetchone()[0])
        return found

    def _terms_with(self, text: str, *, at_end: bool) -> list[str] | None:
        """Terms of the index that hold a text; None where they are too many to be of use."""
        threes = " AND ".join(f'"{text[at : at + 3]}"' for at in range(len(text) - 2))
        rows = self._db.execute(
            "SELECT term FROM terms WHERE number IN (SELECT rowid FROM parts WHERE parts MATCH ?)", (threes,)
        )
        found = [term for (term,) in rows if (term.endswith(text) if at_end else text in term)]
        return None if len(found) > _MOST_PARTS else [text, *found]

    def _ranked(
        self, wanted: list[Term], candidates: list[_Candidates], sessions: Sessions, most: int
    ) -> Iterator[tuple[float, int]]:
        """Scores and numbers of sessions, the best first; the first `most` are what it is quick about."""
        searched = [found for term, found in zip(wanted, candidates, strict=True) if term is not _ALL]
        count = len(self._known.sessions or sessions)
        scores = [0.0] * len(sessions)
        for found in searched:  # ten thousand sessions of a common word
            held = found.weights
            rarity = (_K1 + 1) * math.log(1 + (count - len(held) + 0.5) / (len(held) + 0.5))
            scores = [
                score + rarity * (weight := held[number]) / (weight + length)
                for score, (number, (_, length, _)) in zip(scores, sessions.items(), strict=True)
            ]
        if len(searched) > 1:
            shared = {
                row >> BELOW_SESSION for row in set(searched[0].rows).intersection(*(o.rows for o in searched[1:]))
            }
            scores = [
                score * _TOGETHER if number in shared else score for score, number in zip(scores, sessions, strict=True)
            ]
        ranked = [
            ((score or 1.0) * recent, updated, number)
            for score, (number, (updated, _, recent)) in zip(scores, sessions.items(), strict=True)
        ]
        best = heapq.nlargest(most, ranked) if most * _FEW < len(ranked) else []
        yield from ((score, number) for score, _, number in best)
        ranked.sort(reverse=True)
        yield from ((score, number) for score, _, number in ranked[len(best) :])

    def _holds(
        self,
        number: int,
        wanted: list[Term],
        candidates: list[_Candidates],
        unwanted: list[tuple[Term, _Candidates]],
    ) -> bool:
        """Whether a session really has all that is wanted, where the query looks, and nothing unwanted."""
        inside = self._query.looks_into_messages()
        for term, found in zip(wanted, candidates, strict=True):
            if (inside or not term.certain) and not self._has(number, term, found.of(number)):
                return False
        return not any(
            number in found.weights and ((term.certain and not inside) or self._has(number, term, found.of(number)))
            for term, found in unwanted
        )

    def _has(self, number: int, term: Term, rows: list[int]) -> bool:
        if term is _ALL and "tool" not in self._query.fields and "tool" not in self._query.not_fields:
            return self._has_message(number)
        return any(
            self._counts(number, text) and self._texts.holds(term, text)
            for row in sorted(rows, key=_weight, reverse=True)
            if may_count(self._query, row) and (term is _ALL or self._texts.may_hold(row, term))
            for text in self._texts.chunk(row)
        )

    def _has_message(self, number: int) -> bool:
        """Whether the query looks into any message; that needs none of its texts."""
        return any(
            counts(self._query, Text(kind, at, None, ""), record)
            for at, record in enumerate(self._texts.records(number))
            for kind in range(len(KINDS))
            if record[4] >> kind & 1
        )

    def _counts(self, number: int, text: Text) -> bool:
        """Whether the query looks into a text's message."""
        if not self._query.looks_into_messages():
            return True
        return counts(self._query, text, self._texts.records(number)[text.message])

    def _match(self, number: int, score: float, wanted: list[Term], rows: list[list[int]]) -> Match:
        spots = sorted(self._spots(number, wanted, rows), key=_goodness, reverse=True)
        hits: dict[int, Hit] = {}
        for spot in spots:
            key = -1 - spot.text.kind if spot.text.kind in OF_SESSION else spot.text.message
            if key not in hits and len(hits) < _SHOWN:
                hits[key] = self._hit(number, spot)
        return match_of(self._db, number, score, list(hits.values()))

    def _spots(self, number: int, wanted: list[Term], rows: list[list[int]]) -> Iterator[_Spot]:
        """Texts that match, from the chunks that promise most."""
        shared = set[int].intersection(*map(set, rows)) if rows else set()
        looked: set[int] = set()
        for term, listed in zip(wanted, rows, strict=True):
            best = sorted(listed, key=lambda row: (row in shared, _weight(row)), reverse=True)
            fruitful = 0
            for row in best:
                if fruitful >= _LOOKED_INTO:
                    break
                if not may_count(self._query, row):
                    continue
                known = row in looked
                looked.add(row)
                matched = False
                for text in self._texts.chunk(row):
                    if not self._counts(number, text):
                        continue
                    folded = fold(text.text)
                    if self._texts.find(term, folded) is None:
                        continue
                    matched = True
                    if not known:
                        spans = [span for one in wanted if (span := self._texts.find(one, folded)) is not None]
                        yield _Spot(text, len(spans), spans)
                fruitful += matched

    def _hit(self, number: int, spot: _Spot) -> Hit:
        shown = snippet(spot.text.text, spot.spans)
        kind = KINDS[spot.text.kind]
        if spot.text.kind in OF_SESSION:
            return Hit("", "", None, kind, None, shown)
        identity, role, at, _, _ = self._texts.records(number)[spot.text.message]
        return Hit(identity, role, at, kind, spot.text.tool, shown)


def _weight(row: int) -> float:
    return _WEIGHTS[kind_of(row)]


def _goodness(spot: _Spot) -> tuple[int, float]:
    return spot.terms, _WEIGHTS[spot.text.kind]


def _day_of(date: str) -> int:
    """The number of a day."""
    try:
        return dt.date.fromisoformat(date).toordinal()
    except ValueError:
        return 0
