"""A model on loopback with one answer, for clients that are run for real: nothing leaves the machine."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "It redirects once; I looked."
_USAGE = {"input_tokens": 10, "output_tokens": 5}
_MOST_REQUESTS = 200
"""A client that repeats itself is turned away."""


class ScriptedModel(ThreadingHTTPServer):
    """Answers in the streaming APIs of Anthropic (messages), OpenAI (responses, chat completions) and Gemini."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, Any]] = []
        """Path and body of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def heard(self) -> str:
        """All the texts that were ever sent to it, one after the other."""
        return "\n".join(text for _, body in self.asked for text in _texts(body))


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """A model that serves until the block ends."""
    with ScriptedModel() as model:
        serving = threading.Thread(target=model.serve_forever, daemon=True)
        serving.start()
        try:
            yield model
        finally:
            model.shutdown()
            serving.join()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedModel

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the test looks at `asked`."""

    def do_HEAD(self) -> None:
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        self._send(b'{"object": "list", "data": [], "models": []}', "application/json")

    def do_POST(self) -> None:
        data = self._body()
        body = json.loads(data or b"{}")
        path = self.path.partition("?")[0]
        self.server.asked.append((path, body))
        if len(self.server.asked) > _MOST_REQUESTS:
            self.send_error(429)
            return
        for end, events in _SCRIPTS.items():
            if path.endswith(end):
                self._send("".join(events()).encode(), "text/event-stream")
                return
        self._send(b'{"input_tokens": 10, "totalTokens": 10}', "application/json")

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def _send(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _event(value: Any, name: str | None = None) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"


def _messages() -> Iterator[str]:
    """Anthropic's messages API."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": []}
    for event in (
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": _USAGE}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": _USAGE},
        {"type": "message_stop"},
    ):
        yield _event(event, str(event["type"]))


def _responses() -> Iterator[str]:
    """OpenAI's responses API."""
    said = {"type": "output_text", "text": ANSWER, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    usage = {
        **_USAGE,
        "total_tokens": 15,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    whole = {"id": "resp_1", "object": "response", "status": "completed", "model": "scripted"}
    for event in (
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": ANSWER},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**whole, "output": [item], "usage": usage}},
    ):
        yield _event(event, str(event["type"]))


def _completions() -> Iterator[str]:
    """OpenAI's chat completions API."""
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    delta = {"role": "assistant", "content": ANSWER}
    yield _event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    yield _event({**chunk, "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _gemini() -> Iterator[str]:
    """Google's Gemini API."""
    said = {"role": "model", "parts": [{"text": ANSWER}]}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    yield _event({"candidates": [{"content": said, "finishReason": "STOP", "index": 0}], "usageMetadata": usage})


_SCRIPTS = {
    "/messages": _messages,
    "/responses": _responses,
    "/chat/completions": _completions,
    ":streamGenerateContent": _gemini,
}
