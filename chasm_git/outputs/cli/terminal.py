"""Printing: tables, texts, JSON and notices, each the right way for a terminal and for a pipe.

Data goes to stdout, notices and progress to stderr. On a terminal there is colour, a pager and a bar; in a pipe plain
aligned text. Whatever a session holds goes through `visible` before it is printed.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import click

from chasm_git.session.readable import visible

_PATIENCE = 1.0
"""Seconds of work before a bar appears."""
_CUT = {"title", "workspace", "place", "note", "message", "subject", "providers", "path", "name"}
"""Columns that may be cut where a table is wider than the screen."""
_LEAST = 8
"""Columns of the screen that such a column keeps."""
_GAP = 2
_BEYOND = re.compile("[^\x00-\x7f]")
_RAW_IN_JSON = re.compile("[\x7f-\x9f]")
"""Control characters that JSON allows as they are."""


class Terminal:
    """Where one call prints.

    Args:
        variables: the environment (``NO_COLOR``, ``TERM``).
        quiet: no notices and no progress.
    """

    def __init__(self, variables: Mapping[str, str], *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.interactive = sys.stdout.isatty()
        self.colour = self.interactive and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"

    def line(self, text: str, **style: Any) -> None:
        """One line of data, whatever a title in it holds; `style` as `click.style` takes it."""
        click.echo(self.styled(text.replace("\n", " "), **style))

    def styled(self, text: str, **style: Any) -> str:
        """A text safe for the terminal, in colour where that is wanted."""
        text = visible(text)
        return click.style(text, **style) if self.colour and style else text

    def long(self, text: str, style_of: Callable[[str], dict[str, Any]] | None = None) -> None:
        """A text of many lines, through the pager where it is longer than the screen.

        Args:
            text: what to print.
            style_of: the style of a line, as `click.style` takes it.
        """
        text = visible(text)
        if not self.interactive:
            click.echo(text, nl=not text.endswith("\n"))
            return
        if self.colour and style_of is not None:
            lines = text.removesuffix("\n").split("\n")
            text = "\n".join(click.style(line, **style) if (style := style_of(line)) else line for line in lines)
        self._page(text)

    def _page(self, text: str) -> None:
        if text.count("\n") < shutil.get_terminal_size().lines - 1:
            click.echo(text)
        else:
            click.echo_via_pager(text, color=self.colour)

    def data(self, data: bytes) -> None:
        """Bytes as they are; on a terminal as text that is safe for it."""
        if self.interactive:
            self.long(data.decode("utf-8", "replace"))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def json(self, value: Any) -> None:
        """One JSON document."""
        click.echo(json_text(value))

    def json_line(self, value: Any) -> None:
        """One JSON document on a line of its own, for a command that goes on."""
        click.echo(json_text(value, indent=False))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Rows under their columns. None is an empty cell; a column named ``"> x"`` stands to the right."""
        cells = [[_cell(value) for value in row] for row in rows]
        names = [column.removeprefix("> ") for column in columns]
        right = [column.startswith("> ") for column in columns]
        if self.interactive:
            self._rich_table(names, right, cells)
        else:
            self._plain_table(names, right, cells)

    def _rich_table(self, names: list[str], right: list[bool], cells: list[list[str]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold" if self.colour else "")
        console = Console(no_color=not self.colour, highlight=False)
        widths = _fitted(
            [max(width_of(row[n]) for row in [names, *cells]) for n in range(len(names))], names, console.width
        )
        for name, to_right, width in zip(names, right, widths, strict=True):
            table.add_column(
                name, justify="right" if to_right else "left", no_wrap=True, overflow="ellipsis", width=width
            )
        for row in cells:
            table.add_row(*map(Text, row))
        console.width = max(console.width, sum(widths) + _GAP * len(widths))
        with console.capture() as drawn:
            console.print(table)
        self._page(drawn.get().removesuffix("\n"))

    def _plain_table(self, names: list[str], right: list[bool], cells: list[list[str]]) -> None:
        columns = []
        for column, to_right in zip(zip(names, *cells, strict=True), right, strict=True):
            widths = list(map(width_of, column))  # ten thousand rows: measured once
            most = max(widths)
            spaces = [" " * (most - width) for width in widths]
            pairs = zip(spaces, column, strict=True) if to_right else zip(column, spaces, strict=True)
            columns.append(map("".join, pairs))
        click.echo("\n".join(["  ".join(line).rstrip() for line in zip(*columns, strict=True)]))

    def notice(self, text: str) -> None:
        """Something worth saying that is no data."""
        if not self.quiet:
            click.echo(visible(text), err=True)

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Gives a function to call with (done, of how many); a bar appears on stderr when the work takes long."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda done, total: None
            return
        bar = _Bar(label)
        try:
            yield bar.show
        finally:
            bar.stop()


class _Bar:
    """A bar that is drawn only once the work has lasted."""

    def __init__(self, label: str) -> None:
        self._label = visible(label)
        self._start = time.monotonic()
        self._progress: Any = None
        self._task: Any = None

    def show(self, done: int, total: int) -> None:
        if self._progress is None:
            if time.monotonic() - self._start < _PATIENCE:
                return
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task(self._label, total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _fitted(widths: list[int], names: Sequence[str], room: int) -> list[int]:
    """Widths of columns that fit where they can: what is only read is cut, the widest first; ids are to be copied."""
    widths = list(widths)
    excess = sum(widths) + _GAP * (len(widths) - 1) - room
    loose = [n for n, name in enumerate(names) if name in _CUT]
    while excess > 0 and loose:
        widest = max(loose, key=lambda n: widths[n])
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def json_text(value: Any, *, indent: bool = True) -> str:
    """A JSON document to print; characters that could drive a terminal stand as escapes."""
    import orjson

    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:  # lone surrogates, nesting beyond what orjson takes
        import json

        return json.dumps(value, indent=2 if indent else None)
    return _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def local_time(timestamp: str | None, *, seconds: bool = False) -> str:
    """A stored time as the clock on this wall shows it."""
    import datetime as dt

    if timestamp is None:
        return ""
    try:
        moment = dt.datetime.fromisoformat(timestamp).astimezone()
    except (ValueError, OverflowError):
        return timestamp
    return moment.isoformat(" ", "seconds")[: 19 if seconds else 16]


def width_of(text: str) -> int:
    """Columns a text takes: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    beyond = _BEYOND.findall(text)
    return len(text) - len(beyond) + sum(map(_width, beyond))


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    from unicodedata import combining, east_asian_width

    return 2 if east_asian_width(character) in "WF" else 0 if combining(character) else 1


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable() and "  " not in text:  # as almost every one of ten thousand rows
        return text.strip()
    return " ".join(visible(text).split())
