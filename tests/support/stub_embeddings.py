"""An endpoint on loopback that embeds: a vector of letter counts; answers with what it is told to first.

::

    with StubEmbeddings() as stub:
        stub.replies.append((500, {"error": {"message": "as told"}}))    # the next request gets this
        open_endpoint(stub.spec, {})                                    # http://127.0.0.1:PORT/v1#stub
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


def counts(text: str) -> list[float]:
    """How often each letter is in a text; never all zeros."""
    return [1.0 + text.lower().count(letter) for letter in "abcdefghij"]


class StubEmbeddings:
    """See the module.

    Attributes:
        requests: payloads, in order of arrival.
        keys: what came as authorization.
        replies: (status, body) for the next requests; a body that is text is sent as it is.
        longest: a text of more characters is refused with status 400, or None.
    """

    def __init__(self, longest: int | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.replies: list[tuple[int, Any]] = []
        self.longest = longest

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def spec(self) -> str:
        return f"{self.url}#stub"

    def __enter__(self) -> Self:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stub.requests.append(payload)
                stub.keys.append(self.headers.get("authorization"))
                status, body = stub._reply(payload) if self.path == "/v1/embeddings" else (404, {})
                data = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, payload: dict[str, Any]) -> tuple[int, Any]:
        if self.replies:
            return self.replies.pop(0)
        texts = payload["input"]
        if self.longest is not None and any(len(text) > self.longest for text in texts):
            return 400, {"error": {"message": "input is too long", "type": "invalid_request_error"}}
        # In another order than asked: the index says which is which.
        data = [{"object": "embedding", "index": n, "embedding": counts(t)} for n, t in enumerate(texts)][
            ::-1
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return 200, {"object": "list", "data": data, "model": payload["model"], "usage": usage}
