"""`chasm forget`: the only way to delete a session."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import after

if TYPE_CHECKING:
    from chasm_git.api import Erased, Forgetting


@click.command("forget")
@click.argument("session", metavar="ID")
@click.option("--from-history", is_flag=True, help="Take it out of every commit, too: this cannot be undone.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.pass_obj
def command(context: Context, session: str, from_history: bool, yes: bool, dry_run: bool) -> None:
    """Forget a session: its messages are deleted, here and wherever the archive is synced to.

    No harvest and no merge brings it back. Earlier versions stay in the history unless --from-history takes them out of
    that, which writes every commit since its first version anew. The client's own files are not touched.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        plan = archive.look_forget(session)
        erased = archive.erase(plan.provider, plan.id, dry_run=True) if from_history else None
        if plan.is_forgotten and erased is None:
            if context.json:
                _as_json(context, plan, None, dry_run)
            else:
                terminal.line(f"{plan.id} was forgotten already; --from-history takes it out of earlier commits")
            return
        for line in [*_said(plan), *(_said_of_history(erased) if erased is not None else ())]:
            terminal.notice(line)
        if not dry_run and not yes:
            _ask(plan.id)
        if not dry_run:
            if erased is not None:
                erased = archive.erase(plan.provider, plan.id)
            else:
                plan = archive.forget(plan.id)
    if context.json:
        _as_json(context, plan, erased, dry_run)
        return
    if dry_run:
        return
    after(context, plan.edited)
    if erased is not None:
        terminal.line(f"forgot {plan.id}: {erased.commits} commits written anew, {erased.objects} objects removed")
        for line in _what_follows(erased):
            terminal.notice(line)
    else:
        terminal.line(f"forgot {plan.id}")


def _as_json(context: Context, plan: Forgetting, erased: Erased | None, dry_run: bool) -> None:
    context.terminal.json(
        {
            "id": plan.id,
            "provider": plan.provider,
            "messages": plan.messages,
            "attachments": plan.attachments,
            "related": [asdict(one) for one in plan.related],
            "commit": plan.edited.commit,
            "history": asdict(erased) if erased is not None else None,
            "dry_run": dry_run,
        }
    )


def _said(plan: Forgetting) -> list[str]:
    title = " ".join((plan.title or "untitled").split())
    lines = [f"{plan.provider} {plan.id}  {title}"]
    if not plan.is_forgotten:
        lines.append(f"  {plan.messages} messages become tombstones; title, tags and notes go")
    if plan.attachments:
        lines.append(f"  {len(plan.attachments)} attachments that only it uses go")
    lines += [f"  {one.provider} {one.id} {one.relation}: it stays" for one in plan.related]
    return [*lines, "  the client's own files are not touched"]


def _said_of_history(erased: Erased) -> list[str]:
    lines = [f"  {erased.versions} versions are taken out of the history: {erased.commits} commits are written anew"]
    if erased.snapshots:
        lines.append(f"  {len(erased.snapshots)} snapshots move to the new commits: {', '.join(erased.snapshots[:10])}")
    lines.append("  the reflog loses the old commits: this cannot be undone")
    return [*lines, *_what_follows(erased)]


def _what_follows(erased: Erased) -> list[str]:
    """What else a person has to do, for copies of the archive are out of reach."""
    lines = [
        "  copies elsewhere (clones, backups, bundles) keep it until the same is done there:",
        f"    chasm -C COPY forget {erased.id} --from-history",
        "  every other machine does that before its next sync, or clones anew: else the old commits come back with it",
    ]
    if erased.remotes:
        named = ", ".join(erased.remotes)
        lines += [
            f"  on the remote ({named}) run it where the repository is; or push over it, if it allows that",
            "  (receive.denyNonFastForwards and our own update hook do not, and neither do protected branches):",
            *(
                f"    git push --force --prune {name} 'refs/heads/*' 'refs/tags/*' 'refs/chasm/providers/*'"
                for name in erased.remotes
            ),
            "  a forge may keep unreachable commits for a while: ask it to collect them",
        ]
    return lines


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked: say --yes")
    click.confirm(f"Forget {name}?", abort=True, err=True)
