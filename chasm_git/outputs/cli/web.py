"""`chasm web`: the archive in a browser."""

from __future__ import annotations

from importlib.util import find_spec

import click

from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.context import Context


@click.command("web")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Listen at this port; 0: a free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen there; other machines reach every address that is not of the loopback.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.pass_obj
def command(context: Context, port: int, host: str, no_browser: bool) -> None:
    """Search and read the archive in a browser, on this machine. Ctrl-C ends it.

    The printed address holds a token, new each time: nobody gets a page without it. The pages only read, and ask
    nothing of any other machine. With --json one line says where they are.
    """
    for name in ("starlette", "uvicorn"):
        if find_spec(name) is None:
            raise ChasmError(f"`chasm web` needs {name}; install it with: pip install 'chasm-git[web]'")
    from chasm_git.outputs.web.security import is_loopback
    from chasm_git.outputs.web.serving import serve

    terminal = context.terminal
    with context.open_archive() as archive:
        path = archive.path
    try:
        alone = is_loopback(host)
    except OSError as error:
        raise ChasmError(f"{host!r} is no address of this machine: {error.strerror or error}") from error
    if not alone:
        terminal.notice(
            f"chasm: {host} is reached from other machines: whoever sees the address, token and all, reads everything, "
            "and nothing on the way is encrypted"
        )

    def begun(address: str) -> None:
        if context.json:
            terminal.json_line({"url": address, "archive": str(path)})
        else:
            terminal.line(address)
            terminal.notice(f"{path} in your browser; Ctrl-C ends it")
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    serve(path, host, port, begun)
