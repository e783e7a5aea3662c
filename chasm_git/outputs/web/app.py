"""The pages as one ASGI application: which address is answered by what, and what becomes of errors."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.api import AmbiguousSession, NoSuchRevision, NoSuchSession
from chasm_git.errors import ChasmError, UsageError
from chasm_git.outputs.web import session_list, session_page, stats_page, versions
from chasm_git.outputs.web.answers import Answer, Asked, NotThere, Page
from chasm_git.outputs.web.frame import trouble
from chasm_git.outputs.web.reading import Reading
from chasm_git.outputs.web.security import Guard

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PAGES: dict[str, Page] = {
    "/workspaces": session_list.workspaces,
    "/tags": session_list.tags,
    "/session": session_page.session,
    "/session/messages": session_page.messages,
    "/session/text": session_page.text,
    "/session/attachment": session_page.attachment,
    "/session/export": session_page.export,
    "/session/versions": versions.versions,
    "/session/compare": versions.compare,
}
_STATIC = Path(__file__).parent / "static"
_PATIENCE = 2.0
"""Seconds a search waits for the search cache before it says that it is being made."""

Answers = Callable[[Reading, Asked], Awaitable[Answer]]


def application(
    archive: Path, token: str, *, port: int | None = None, names: Iterable[str] = (), loopback: bool = True
) -> Guard:
    """The pages of the archive at a path, for who has the token: see `security.Guard`. Raises NotAnArchive."""
    return Guard(_pages(Reading(archive)), token, port=port, names=names, loopback=loopback)


def _pages(reading: Reading) -> Starlette:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        reading.prepare()
        yield
        reading.close()

    routes: list[Any] = [
        Route("/", _endpoint(reading, _home), methods=["GET"]),
        Route("/search", _endpoint(reading, _found), methods=["GET"]),
        Route("/stats", _endpoint(reading, _stats), methods=["GET"]),
        *(Route(path, _endpoint(reading, _in_a_thread(page)), methods=["GET"]) for path, page in PAGES.items()),
        Mount("/static", StaticFiles(directory=_STATIC), name="static"),
    ]
    handlers: Any = {HTTPException: _not_there, Exception: _broken}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)


def _endpoint(reading: Reading, answers: Answers) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        asked = _asked(request)
        try:
            answer = await answers(reading, asked)
        except ChasmError as error:
            answer = _refused(error, asked)
        return _response(answer)

    return endpoint


def _in_a_thread(page: Page) -> Answers:
    async def answers(reading: Reading, asked: Asked) -> Answer:
        return await reading.run(page, reading, asked)

    return answers


async def _home(reading: Reading, asked: Asked) -> Answer:
    results = await _found(reading, asked) if asked.text("q") else None
    return await reading.run(session_list.home, reading, asked, results)


async def _found(reading: Reading, asked: Asked) -> Answer:
    """What stands below the search: what it finds, or the list where nothing is searched for."""
    text = asked.text("q")
    if not text:
        return await reading.run(session_list.rows, reading, asked)
    start = time.perf_counter()
    fields = session_list.Filters.of(asked).fields()
    results = await reading.search(text, session_list.limit_of(asked), fields, _PATIENCE)
    if results is None:
        return session_list.still_made(reading.progress())
    return session_list.matches(results, asked, (time.perf_counter() - start) * 1000)


async def _stats(reading: Reading, asked: Asked) -> Answer:
    if await reading.search("", 0, {}, _PATIENCE) is None:
        return stats_page.waiting(reading.progress(), asked)
    return await reading.run(stats_page.stats, reading, asked)


def _asked(request: Request) -> Asked:
    theme = request.cookies.get("chasm-theme")
    return Asked(request.url.path, dict(request.query_params), theme if theme in ("light", "dark") else None)


def _response(answer: Answer) -> Response:
    from starlette.responses import Response

    return Response(answer.body, answer.status, dict(answer.headers), answer.media_type)


def _refused(error: ChasmError, asked: Asked) -> Answer:
    if isinstance(error, AmbiguousSession):
        return trouble("Several sessions have that name", str(error), asked, 300)
    if isinstance(error, NoSuchSession | NoSuchRevision | NotThere):
        return trouble("That is not there", str(error), asked, 404)
    if isinstance(error, UsageError):
        return trouble("That cannot be asked for", str(error), asked, 400)
    return trouble("That did not work", str(error), asked, 500)


async def _not_there(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    title = "There is no such page" if status == 404 else "That did not work"
    return _response(trouble(title, f"{request.url.path}: {getattr(error, 'detail', error)}", _asked(request), status))


async def _broken(request: Request, error: Exception) -> Response:
    """A mistake of ours; the traceback is printed where `chasm web` was started."""
    said = f"{type(error).__name__}: {error}"
    return _response(trouble("This page failed", f"{said[:500]}. That is a mistake of chasm.", _asked(request), 500))
