"""Faults, made by hand: each a line of the rules changed the way a tired person would change it."""

import sys
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from chasm_git import session

RULES = ("order", "body", "join", "decided", "header", "reread", "merge")
"""The modules that decide what a merge makes, each after those it takes from."""


class Mutant(NamedTuple):
    """A fault: `line` of a module became `fault`."""

    name: str
    module: str
    line: str
    fault: str


MUTANTS = [
    Mutant(
        "what only they added is dropped",
        "merge",
        "                made[identity] = self._alone(its)\n",
        "                made.pop(identity, None)\n",
    ),
    Mutant(
        "a message gone from one side is deleted",
        "merge",
        "                made[identity] = self._alone(mine)\n",
        "                if identity not in self._before:\n                    made[identity] = mine\n",
    ),
    Mutant(
        "our anchor is taken",
        "merge",
        "    return min(block.after for block in (mine, its) if block.after is not None)\n",
        "    return mine.after if mine.after is not None else its.after\n",
    ),
    Mutant(
        "siblings of one moment stand as they come",
        "merge",
        "messages[identity].sort_key())",
        "messages[identity].sort_key()[0])",
    ),
    Mutant(
        "messages of a cycle are left out",
        "order",
        "    while below:  # whatever is left hangs on a cycle\n",
        "    while False:\n",
    ),
    Mutant(
        "the other side's bodies are dropped",
        "join",
        "return State((*self._flagged(_SHOWN), *other._flagged(_SHOWN)), (*self.replaced, *other.replaced))",
        "return State(self._flagged(_SHOWN), (*self.replaced, *other.replaced))",
    ),
    Mutant(
        "what was replaced is forgotten",
        "join",
        "*other._flagged(_SHOWN)), (*self.replaced, *other.replaced))",
        "*other._flagged(_SHOWN)), ())",
    ),
    Mutant("the first body is shown", "join", "winner = max(shown, key=Body.rank)", "winner = shown[0]"),
    Mutant(
        "a tombstone goes where the other side edited",
        "join",
        "    if ours.deleted or theirs.deleted:\n",
        "    if ours.deleted and theirs.deleted:\n",
    ),
    Mutant(
        "ours counts where both decided",
        "join",
        "ours if theirs == known else max(ours, theirs)",
        "ours",
    ),
    Mutant(
        "a conflict is counted again at every merge",
        "join",
        "len(keys) > 1 and not keys <= mine.keys() and not keys <= its.keys())",
        "len(keys) > 1)",
    ),
    Mutant(
        "no conflict is counted",
        "join",
        "len(keys) > 1 and not keys <= mine.keys() and not keys <= its.keys())",
        "False)",
    ),
    Mutant(
        "a torn answer takes the place of a whole one",
        "body",
        "    if longer.role != shorter.role or _status(longer) < _status(shorter):\n",
        "    if longer.role != shorter.role:\n",
    ),
    Mutant(
        "a shorter list holds a longer one",
        "body",
        "        return len(longer) >= len(shorter) and all(",
        "        return all(",
    ),
    Mutant(
        "text may grow at its beginning",
        "body",
        "        return longer.content.startswith(shorter.content)\n",
        "        return longer.content.endswith(shorter.content)\n",
    ),
    Mutant(
        "keys of a newer version are no part of a body",
        "body",
        "    if not contains(_extra(longer), _extra(shorter)):\n        return False\n",
        "",
    ),
    Mutant(
        "the order of equal bodies is that of their lengths alone",
        "body",
        "len(self.data), self.data\n",
        "len(self.data), b''\n",
    ),
    Mutant(
        "the session began when ours did",
        "header",
        "min((time for time in (one.created_at, other.created_at) if time is not None), default=None)",
        "one.created_at or other.created_at",
    ),
    Mutant(
        "a generated title beats a person's",
        "header",
        "    return by_user or titles\n",
        "    return titles\n",
    ),
    Mutant(
        "the older note stays, the longer one goes",
        "header",
        "any(one != text and one.startswith(text) for one in texts)",
        "any(one != text and text.startswith(one) for one in texts)",
    ),
    Mutant(
        "tags are those that both sides have",
        "header",
        "data not in known or (data in mine and data in its)}",
        "data in mine and data in its}",
    ),
    Mutant(
        "a harvest takes away what the provider does not say",
        "header",
        "        if self._provider and (keeps_all or not its):\n",
        "        if False:\n",
    ),
    Mutant(
        "header values that lost are dropped",
        "header",
        "        extra[ALTERNATIVES] = losers or None\n",
        "",
    ),
    Mutant(
        "a provider's new text leaves no trace of the old one",
        "reread",
        "        return State((body,), (*replaced, *shown)), False\n",
        "        return State((body,), replaced), False\n",
    ),
    Mutant(
        "a harvest brings back what was forgotten",
        "reread",
        "    if archived.deleted or fresh.deleted:\n",
        "    if archived.deleted and fresh.deleted:\n",
    ),
    Mutant(
        "growth is not taken",
        "reread",
        "        if body.data not in said:\n",
        "        if known is None:\n",
    ),
    Mutant(
        "a text that was replaced comes back though nobody knows that it is the newer one",
        "reread",
        "        if known is None:\n            return state, False  # it may be older than what replaced it\n",
        "",
    ),
    Mutant(
        "what somebody decided against comes back",
        "header",
        "values = strongest(united if table is None else table.left(united))",
        "values = strongest(united)",
    ),
]


def rules(mutant: Mutant | None, monkeypatch) -> ModuleType:
    """A copy of the rules with a fault in it (None: a true copy); the module `merge` of it.

    Raises LookupError where the line to change is not there, once.
    """
    made = {}
    for name in RULES:
        path = Path(session.__path__[0]) / f"{name}.py"
        source = path.read_text(encoding="utf-8")
        if mutant is not None and mutant.module == name:
            if source.count(mutant.line) != 1:
                raise LookupError(f"{path.name} has no such line (or several): {mutant.line!r}")
            source = source.replace(mutant.line, mutant.fault)
        full = f"{session.__name__}.{name}"
        module = ModuleType(full)
        module.__spec__ = util.spec_from_loader(full, None)
        monkeypatch.setitem(sys.modules, full, module)  # those that come after take from it
        exec(compile(source, str(path), "exec"), module.__dict__)
        made[name] = module
    return made["merge"]
