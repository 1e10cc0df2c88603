"""Stands in for llama.cpp where only the life of the server's process matters: answers "ok" at once.

Put this folder on the server's PYTHONPATH. A model file that ends in "broken" fails as a bad file would.
"""

import http.server
import json
import sys
import threading
from types import SimpleNamespace
from typing import Any


class CommonParams:
    def __init__(self) -> None:
        self.model = SimpleNamespace(path="")
        self.cpuparams = SimpleNamespace(n_threads=0)
        self.api_keys: list[str] = []
        self.hostnames: list[str] = []
        self.model_alias: set[str] = set()


class Server:
    def __init__(self, params: Any) -> None:
        with open(params.model.path, "rb") as file:
            if file.read().endswith(b"broken"):
                print("llama_model_load: error loading model: tensor data is out of bounds", file=sys.stderr)
                raise SystemExit(1)
        print("a line of llama.cpp on stdout, which is not ours")
        key = params.api_keys[0]

        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(self, value: object) -> None:
                known = self.headers.get("authorization") == f"Bearer {key}"
                body = json.dumps(value if known else {"error": {"message": "Invalid API Key"}}).encode()
                self.send_response(200 if known else 401)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.respond({"data": [{"id": name} for name in params.model_alias]})

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                choice = {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "ok"},
                }
                self.respond(
                    {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
                )

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listening_address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
