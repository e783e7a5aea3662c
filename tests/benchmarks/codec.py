"""The codec on one core, against the standard library's json on the same sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from tests.benchmarks.measure import Row, cpu

_SHARE = 12
"""One source in so many is enough."""


def rows(home: Path) -> Iterator[Row]:
    """Measure on the Claude Code sessions below `home`."""
    provider = registry.load("claude-code")
    sources = [found for found in provider.discover(Env(home)) if isinstance(found, Source)][::_SHARE]
    size = sum(source.path.stat().st_size for source in sources) / 1e6
    read = cpu(lambda: [provider.read(source) for source in sources])
    sessions = [session for source in sources for session in provider.read(source).sessions]
    dicts = [asdict(session) for session in sessions]
    texts = [json.dumps(one) for one in dicts]
    files = [codec.dumps(session) for session in sessions]
    megabytes = sum(map(len, files)) / 1e6
    encode, json_encode = cpu(lambda: [codec.dumps(s) for s in sessions]), cpu(lambda: [json.dumps(d) for d in dicts])
    decode, json_decode = cpu(lambda: [codec.loads(f) for f in files]), cpu(lambda: [json.loads(t) for t in texts])
    split = cpu(lambda: sum(len(codec.split(file)[1]) for file in files), times=7)
    yield Row("reading Claude Code's files", f"{size / read:.0f} MB/s", ">= 40 MB/s", size / read >= 40)
    figure, speed = json_encode / encode, megabytes / encode
    yield Row("encode, against json.dumps", f"{figure:.2f}x ({speed:.0f} MB/s)", ">= 0.4x", figure >= 0.4)
    figure, speed = json_decode / decode, megabytes / decode
    yield Row("decode, against json.loads", f"{figure:.2f}x ({speed:.0f} MB/s)", ">= 0.25x", figure >= 0.25)
    figure = decode / split
    yield Row("split into messages, against decode", f"{figure:.1f}x faster", ">= 10x", figure >= 10)
