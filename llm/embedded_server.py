"""The embedded model's process: ``python -m tnt_llm.llm.embedded_server``, started by `embedded` alone.

It reads one line of JSON on stdin (what to serve), answers with one line of JSON on stdout (where), and
serves until stdin ends or its parent is gone: whichever way the owner dies, the kernel closes the pipe.
"""

import json
import os
import sys
import threading
import time
from typing import Any


def serve(settings: dict[str, Any]) -> Any:
    """Start llama.cpp's server on 127.0.0.1, on a free port; returns the running server.

    Args:
        settings: ``model`` (path), ``alias``, ``api_key``, ``slots``, ``context`` (tokens of one slot),
            ``threads`` and ``cache_mib`` (bound of the prompt cache).
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["api_key"]]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]
    params.cache_ram_mib = settings["cache_mib"]
    params.cpuparams.n_threads = settings["threads"]
    params.n_gpu_layers = 0
    params.fit_params = False  # would shrink the context where memory looks short
    params.ui = False
    params.endpoint_slots = False  # it would show other callers' prompts
    params.verbosity = 1
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until the owner is gone."""
    parent = os.getppid()
    settings = json.loads(sys.stdin.readline())
    # What llama.cpp prints must not be taken for our one line.
    ready = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def end_with_stdin() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=end_with_stdin, daemon=True).start()
    server = serve(settings)
    ready.write(json.dumps({"url": f"{server.listening_address}/v1"}) + "\n")
    ready.close()
    # A fork of the owner may hold the pipe open after the owner's death. Not PR_SET_PDEATHSIG: that follows
    # the thread that started this process, and threads of a pool come and go.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
