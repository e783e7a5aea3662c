"""`chasm find session`: full text, ranked, with what matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import SourcesUnreadable
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Hit, Match, Results
    from chasm_git.outputs.cli.terminal import Terminal


class QueryCommand(click.Command):
    """A command in which ``-word`` leaves a word out of the search, and is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options first, and the query behind ``--``."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        flags = {name for param in options for name in param.opts if param.is_flag}
        taking = {name for param in options for name in param.opts} - flags
        found: list[str] = []
        query: list[str] = []
        rest = iter(args)
        for word in rest:
            if word == "--":
                query += rest
            elif word in taking:
                found += [word, *([value] if (value := next(rest, None)) is not None else [])]
            elif word in flags or word.startswith("--") or (word[:2] == "-n" and word[2:].isdecimal()):
                found.append(word)
            else:
                query.append(word)
        lacks_value = bool(found) and found[-1] in taking  # its error is click's to tell
        return super().parse_args(ctx, [*found, "--", *query] if query and not lacks_value else found)


@click.command("session", cls=QueryCommand)
@click.argument("query", nargs=-1, type=click.UNPROCESSED)
@click.option("--provider", metavar="NAME", help="Only of this provider.")
@click.option("--workspace", metavar="W", help="Only where the folder's name holds this.")
@click.option("--since", metavar="WHEN", help="Only in messages since then: 2026-01-31, 12h, 7d, 2w, yesterday.")
@click.option("--like", is_flag=True, help="What means the same in other words; see below.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, metavar="N", help="At most so many.")
@click.pass_obj
def command(
    context: Context,
    query: tuple[str, ...],
    provider: str | None,
    workspace: str | None,
    since: str | None,
    like: bool,
    limit: int,
) -> None:
    """Find sessions by what was said in them, the best first.

    \b
    login redirect        both words              "login redirect"   in this order
    redir*                words that begin so     -draft             without the word
    foo_bar->baz()        as it is written, inside of words too
    role: tool: since: until:                     only in these messages
    provider: workspace: file: model: tag: has:error                only these sessions

    With fields or options alone every session they leave is found. What stands behind -- is no option.

    With --like the query is what to look for in any words. That is an extra (chasm-git[meaning]) and needs a model of
    static embeddings (model2vec) in a folder: `git config --global chasm.meaningModel DIR`. Nothing leaves the machine.
    """
    if like and not query:
        raise click.UsageError("--like needs something to look for.")
    if not query and provider is None and workspace is None and since is None:
        raise click.UsageError("Missing argument 'QUERY...'.")
    fields: dict[str, list[str]] = {}
    if provider is not None:
        fields["provider"] = [provider]
    if workspace is not None:
        fields["workspace"] = [workspace]
    if since is not None:
        import datetime as dt

        from chasm_git.outputs.cli.filters import since_when

        fields["since"] = [since_when(since, dt.datetime.now(dt.UTC))]
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("indexing sessions") as progress:
        search = archive.search_like if like else archive.search
        asked = " ".join(query) if like else _typed(query)
        found = search(asked, limit, progress=progress, notice=terminal.notice, fields=fields)
    if context.json:
        terminal.json([_as_json(one) for one in found.matches])
    else:
        _print(terminal, found)
    for path, reason in found.unread:
        terminal.notice(f"chasm: {path}: {reason}")
    if found.unread:
        raise SourcesUnreadable(f"{len(found.unread)} session files could not be read")


def _typed(query: tuple[str, ...]) -> str:
    """The query as it would stand on one line: a word the shell took the quotes from, blanks and all, is a phrase."""
    if len(query) == 1:
        return query[0]
    return " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in query)


def _as_json(one: Match) -> dict[str, Any]:
    return {
        "id": one.id,
        "provider": one.provider,
        "title": one.title,
        "workspace": one.workspace,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "messages": one.messages,
        "parent": one.parent,
        "tags": list(one.tags),
        "score": one.score,
        "hits": [
            {
                "message": hit.message,
                "role": hit.role,
                "timestamp": hit.timestamp,
                "kind": hit.kind,
                "tool": hit.tool,
                "snippet": hit.snippet.text,
                "marks": [list(mark) for mark in hit.snippet.marks],
            }
            for hit in one.hits
        ],
    }


def _print(terminal: Terminal, found: Results) -> None:
    from chasm_git.outputs.cli.terminal import local_time

    if not found.matches:
        terminal.notice("\n".join(["no session matches", *found.hints]))
        return
    for number, one in enumerate(found.matches):
        if number:
            terminal.line("")
        facts = (one.provider, local_time(one.updated_at), f"{one.messages} messages", one.workspace)
        terminal.line(f"{one.id}  {_line(one.title or 'untitled')}", bold=True)
        terminal.line("  " + "  ".join(_line(fact) for fact in facts if fact))
        for hit in one.hits:
            said = "  ".join(filter(None, (_who(hit), local_time(hit.timestamp))))
            click.echo(f"    {terminal.styled(said, dim=True)}  {_marked(terminal, hit)}")
    shown = len(found.matches)
    if found.total is None or found.total > shown:
        more = "more match" if found.total is None else f"{found.total - shown} more match"
        terminal.notice(f"{more}; -n shows them")


def _who(hit: Hit) -> str:
    said = hit.kind if hit.kind in ("title", "file", "thinking", "note", "tag") else hit.role
    return _line(f"{said} ({hit.tool})" if hit.tool else said)


def _marked(terminal: Terminal, hit: Hit) -> str:
    text, at, made = hit.snippet.text, 0, ""
    for start, end in hit.snippet.marks:
        made += terminal.styled(text[at:start])
        match = text[start:end]
        made += terminal.styled(match, bold=True, fg="yellow") if terminal.colour else terminal.styled(f"«{match}»")
        at = end
    return made + terminal.styled(text[at:])


def _line(text: str) -> str:
    return " ".join(text.split())
