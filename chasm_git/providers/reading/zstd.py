"""Reading what clients compress with zstd, where this Python can: the standard library does from 3.14 on."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def reader() -> Any:
    """A module that reads zstd, None where there is none: the standard library's from Python 3.14 on."""
    import importlib

    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def unpacked(data: bytes) -> bytes:
    """What zstd data holds. Raises ValueError, with what to do about it, where that cannot be told."""
    module = reader()
    if module is None:
        raise ValueError(
            "compressed with zstd, which this Python cannot read: `pip install zstandard`, or unpack it with `zstd -d`"
        )
    try:
        if module.__name__ != "zstandard":
            return bytes(module.decompress(data))
        whole = b""
        while data:  # one frame after the other: its one-call form wants to know the size first
            frame = module.ZstdDecompressor().decompressobj()
            whole += frame.decompress(data)
            if not frame.eof:
                raise EOFError("it ends too early")
            data = frame.unused_data
        return whole
    except (module.ZstdError, EOFError) as error:
        raise ValueError(f"damaged zstd data: {error}") from None
