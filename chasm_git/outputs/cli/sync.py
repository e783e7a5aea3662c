"""`chasm sync`: this archive and a remote come to the same state."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli import syncing, with_tools
from chasm_git.outputs.cli.context import Context


@click.command("sync")
@click.argument("remote", required=False, metavar="[REMOTE]")
@click.option(
    "--strategy",
    metavar="NAME",
    help="Who decides what both sides changed: auto, keep-both, local-wins, remote-wins, most-recent, manual. "
    "Else as chasm.yaml says (conflicts:), else auto.",
)
@click.option("--pull", is_flag=True, help="From the tools on this machine instead: what `harvest run` does.")
@click.option("--push", is_flag=True, help="Into the tools on this machine instead: what they lack or lost.")
@click.option("--provider", "providers", multiple=True, metavar="P", help="With --pull and --push: only this tool.")
@click.option("--workspace", metavar="W", help="With --pull and --push: only sessions of this workspace.")
@syncing.dry_run_option
@syncing.secrets_option
@syncing.timeout_option
@click.pass_obj
def command(
    context: Context,
    remote: str | None,
    strategy: str | None,
    pull: bool,
    push: bool,
    providers: tuple[str, ...],
    workspace: str | None,
    dry_run: bool,
    allow_secrets: bool,
    timeout: float | None,
) -> None:
    """Fetch from a remote, merge by messages, push: afterwards both hold the same.

    Safe to run from a timer: nothing asks, a machine that was faster is merged with first, a remote that does not
    answer is left for the next time. What two machines changed differently is kept twice, and the exit code is 3.

    A strategy ends the new conflicts of a merge at once, and for all machines: local-wins takes what is here,
    remote-wins what was fetched, most-recent the message that is later (else the file that was committed later),
    keep-both both, as two messages. What loses stays readable in the file. manual stops instead: nothing is taken and
    nothing sent, the conflicts are listed, and the exit code is 3. A harvest goes by the settings, too: there the
    archive is local, the provider remote, and manual is auto.

    With --pull or --push the other side is this machine's tools: --pull brings what is new there into the archive,
    --push puts back what they lack or have less of, never over something newer.
    """
    if pull or push:
        if remote is not None or strategy is not None:
            raise UsageError(
                "--pull and --push are about the tools on this machine; `chasm git push` and `git pull` "
                "go one way with a remote"
            )
        with_tools.exchange(context, pull=pull, push=push, providers=providers, workspace=workspace, dry_run=dry_run)
        return
    if providers or workspace is not None:
        raise UsageError("--provider and --workspace go with --pull or --push")
    syncing.run(context, remote, strategy=strategy, dry_run=dry_run, allow_secrets=allow_secrets, timeout=timeout)
