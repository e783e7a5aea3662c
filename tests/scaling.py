"""How long property tests look for examples that break a rule: by default as long as everybody can wait."""

from __future__ import annotations

import os

_TIMES = max(1, int(os.environ.get("CHASM_EXAMPLES_TIMES", "1")))


def examples(count: int) -> int:
    """So many examples, and ``CHASM_EXAMPLES_TIMES`` times as many where somebody has the time."""
    return count * _TIMES
