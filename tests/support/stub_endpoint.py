"""An OpenAI-compatible endpoint on loopback for tests: answers by rule, misbehaves on demand, counts all.

::

    with StubEndpoint(lambda payload: "hello") as stub:
        stub.fail(Status(500), Hang(2))                     # the next two chat requests
        spec = choose_model(stub.spec, {})                  # http://127.0.0.1:PORT/v1#stub
        ...
    assert stub.count == 3 and stub.max_in_flight <= 4

The handler gets the payload of a chat request and returns the text of the answer, or a dict with ``text`` and
optionally ``top_logprobs`` (pairs), ``finish_reason``, ``usage``, or one of the faults below. It is called
from many threads at once. Text that is longer than ``max_tokens`` words is cut as a model's would be.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from stub_faults import (
    CutJson,
    Drop,
    Empty,
    Endless,
    Fault,
    Flood,
    Hang,
    NotJson,
    Slow,
    Status,
    Trickle,
    Truncated,
)

__all__ = [
    "CutJson",
    "Drop",
    "Empty",
    "Endless",
    "Fault",
    "Flood",
    "Hang",
    "NotJson",
    "Slow",
    "Status",
    "StubEndpoint",
    "Trickle",
    "Truncated",
]


Reply = str | dict[str, Any] | Fault
Handler = Callable[[dict[str, Any]], Reply]


class StubEndpoint:
    """A threaded loopback server; see the module.

    Args:
        handler: makes the replies; by default every answer is "ok".
        models: ids that ``/v1/models`` lists.
        delay: seconds before each answer, to have several in flight.
        api_key: when given, other keys get a 401.
        supports: ways to get an object that do not get a 400: json_schema, function_calling, json_mode.

    Attributes:
        requests: payloads of all chat requests, in order of arrival.
        answered: how many answers were written to the end.
        max_in_flight: the most chat requests that were being worked on at once.
    """

    def __init__(
        self,
        handler: Handler = lambda payload: "ok",
        *,
        models: tuple[str, ...] = ("stub",),
        delay: float = 0.0,
        api_key: str | None = None,
        supports: frozenset[str] = frozenset({"json_schema", "function_calling", "json_mode"}),
    ) -> None:
        self.handler = handler
        self.models = models
        self.delay = delay
        self.api_key = api_key
        self.supports = supports
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.answered = 0
        self.max_in_flight = 0
        self.closing = threading.Event()
        self._in_flight = 0
        self._faults: list[Fault] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Address with ``/v1``; stays the same over `stop` and `start`."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def spec(self) -> str:
        """What to give to ``--llm``."""
        return f"{self.url}#{self.models[0]}"

    @property
    def count(self) -> int:
        """How many chat requests arrived."""
        return len(self.requests)

    @property
    def repeats(self) -> int:
        """How many chat requests had been asked before, word for word."""
        return self.count - len({_digest(payload) for payload in self.requests})

    def fail(self, *faults: Fault) -> None:
        """Give the next chat requests these, in order, whatever the handler would say."""
        with self._lock:
            self._faults.extend(faults)

    def start(self) -> Self:
        """Listen; on the same port as before when started again."""
        self.closing.clear()
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        if self._server is None:
            return
        self.closing.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._sockets:
                _hang_up(connection)
        self._server.server_close()  # waits for the threads
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What follows is for the request handler.

    def arrived(self, payload: dict[str, Any], headers: dict[str, str]) -> Fault | None:
        """Record a chat request; the fault that it gets, if one is due."""
        with self._lock:
            self.requests.append(payload)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            self._in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self._in_flight)
            return self._faults.pop(0) if self._faults else None

    def left(self, *, whole: bool) -> None:
        """Record that a chat request is over."""
        with self._lock:
            self._in_flight -= 1
            self.answered += whole

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection."""
        with self._lock:
            self._sockets.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._lock:
            self._sockets.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], stub: StubEndpoint) -> None:
        self.stub = stub
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.stub.opened(self.connection)

    def finish(self) -> None:
        self.server.stub.closed(self.connection)
        super().finish()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        if not self._allowed():
            return
        if self.path == "/v1/models":
            self._json(
                200,
                {
                    "object": "list",
                    "data": [{"id": name, "object": "model"} for name in self.server.stub.models],
                },
            )
        else:
            self._error(Status(404, "no such path"))

    def do_POST(self) -> None:
        stub = self.server.stub
        payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self._allowed():
            return
        if self.path != "/v1/chat/completions":
            self._error(Status(404, "no such path"))
            return
        reply: Reply | None = stub.arrived(payload, dict(self.headers))
        whole = False
        try:
            if reply is None:
                reply = self._refusal(payload) or stub.handler(payload)
                if stub.delay and stub.closing.wait(stub.delay):
                    reply = Drop()
            whole = self._reply(payload, reply)
        finally:
            stub.left(whole=whole)

    def _allowed(self) -> bool:
        key = self.server.stub.api_key
        if key is None or self.headers.get("authorization") == f"Bearer {key}":
            return True
        self._error(
            Status(401, f"Incorrect API key provided: {self.headers.get('authorization')}", "invalid_api_key")
        )
        return False

    def _refusal(self, payload: dict[str, Any]) -> Status | None:
        stub = self.server.stub
        if payload["model"] not in stub.models:
            return Status(404, f"The model {payload['model']} does not exist", "model_not_found")
        kind = (payload.get("response_format") or {}).get("type")
        wanted = {"json_schema": "json_schema", "json_object": "json_mode"}.get(kind or "")
        if payload.get("tools"):
            wanted = "function_calling"
        if wanted and wanted not in stub.supports:
            return Status(400, f"{wanted} is not supported here")
        return None

    def _reply(self, payload: dict[str, Any], reply: Reply) -> bool:
        """Carry out a reply; whether a whole answer was written."""
        stub = self.server.stub
        if isinstance(reply, Status):
            self._error(reply)
        elif isinstance(reply, Hang | Drop):
            stub.closing.wait(reply.seconds if isinstance(reply, Hang) else 0)
            self._end()
        elif isinstance(reply, Trickle | Flood):
            self._run_on(reply)
        elif isinstance(reply, Truncated):
            body = json.dumps(_completion(payload, {"text": "cut"})).encode()
            self._head(200, "application/json", len(body))
            self.wfile.write(body[: len(body) // 2])
            self._end()
        elif isinstance(reply, CutJson):
            body = json.dumps(_completion(payload, {"text": "cut"})).encode()
            self._body(200, "application/json", body[: len(body) // 2])
        elif isinstance(reply, Empty) and reply.body:
            self._body(200, "application/json", b"")
        elif isinstance(reply, NotJson):
            self._body(200, "text/html", b"<html><body>Please log in</body></html>")
        else:
            self._json(200, _completion(payload, self._answer(reply)))
            return True
        return False

    def _answer(self, reply: str | dict[str, Any] | Slow | Empty | Endless) -> dict[str, Any]:
        if isinstance(reply, dict):
            return reply
        if isinstance(reply, Slow):
            self.server.stub.closing.wait(reply.seconds)
            return {"text": reply.text}
        if isinstance(reply, Empty):
            return {"text": ""}
        return {"text": "and so on " * 33_333 if isinstance(reply, Endless) else reply}

    def _run_on(self, reply: Trickle | Flood) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        chunk = b" " if isinstance(reply, Trickle) else b" " * 65536
        pause = reply.pause if isinstance(reply, Trickle) else 0.0
        try:
            while not self.server.stub.closing.wait(pause):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except OSError:
            pass
        self.close_connection = True

    def _end(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        _hang_up(self.connection)

    def _error(self, status: Status) -> None:
        error = {"message": status.message, "type": "error", "code": status.error_code, "param": status.param}
        self._json(status.code, {"error": error}, status.headers)

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._body(status, "application/json", json.dumps(value).encode(), headers)

    def _body(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, kind, len(body), headers)
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()


def _completion(payload: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A chat completion; tokens are words."""
    words = answer["text"].split(" ")
    limit = payload.get("max_tokens") or payload.get("max_completion_tokens")
    text, finish = answer["text"], answer.get("finish_reason", "stop")
    if limit is not None and len(words) > limit:
        text, finish = " ".join(words[:limit]), "length"
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if payload.get("tools"):
        function = {"name": payload["tools"][0]["function"]["name"], "arguments": text}
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_0", "type": "function", "function": function}],
        }
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "message": message}
    if payload.get("logprobs") and answer.get("top_logprobs"):
        top = [{"token": token, "logprob": value, "bytes": None} for token, value in answer["top_logprobs"]]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
    prompt = sum(len(str(message["content"]).split()) for message in payload["messages"])
    used = len(text.split())
    usage = {"prompt_tokens": prompt, "completion_tokens": used, "total_tokens": prompt + used}
    return {
        "id": f"chatcmpl-{_digest(payload)[:12]}",
        "object": "chat.completion",
        "created": 0,
        "model": payload["model"],
        "choices": [choice],
        "usage": {**usage, "prompt_tokens_details": {"cached_tokens": 0}, **answer.get("usage", {})},
    }


def _digest(payload: dict[str, Any]) -> str:
    return sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
