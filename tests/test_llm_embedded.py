"""The life of the embedded server's process, with a stand-in for llama.cpp: one per process tree."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tnt_llm.llm import embedded, embedded_server
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import SERVER_VARIABLE, ModelSpec, choose_model
from tnt_llm.llm.store import MemoryStore
from tnt_llm.taxonomy.errors import EndpointError, MissingPartError, SettingsError

FAKE = str(Path(__file__).parent / "support" / "fake_llama")
REQUEST = Request("s", (("user", "x"),), max_tokens=5)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", FAKE, prepend=os.pathsep)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    file = tmp_path / "little.gguf"
    file.write_bytes(b"GGUF and so on")
    return choose_model(f"embedded:{file}", {"XDG_CACHE_HOME": str(tmp_path / "cache")})


@pytest.fixture
def owner(spec: ModelSpec) -> Iterator["subprocess.Popen[str]"]:
    """A process that has opened the model, and prints the pid of its server."""
    code = (
        "import sys, pathlib; from tnt_llm.llm import embedded; from tnt_llm.llm.spec import ModelSpec;"
        f"embedded.acquire(ModelSpec({spec.text!r}, '', cache=pathlib.Path({str(spec.cache)!r})));"
        "print([owned.process.pid for owned in embedded._servers.values()][0], flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def server_pid(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def is_gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_it_starts_on_demand_answers_and_stops_with_its_last_user(spec: ModelSpec) -> None:
    with Chat.open(spec, MemoryStore()) as chat:
        assert chat.is_embedded
        assert chat.concurrency == 4
        assert chat.id.startswith("little:")
        assert chat.ask(REQUEST).text == "ok"
        with Chat.open(spec, MemoryStore()) as other:
            assert len(embedded._servers) == 1
            assert other.ask(REQUEST).text == "ok"
        (owned,) = embedded._servers.values()
        assert owned.process.poll() is None
        assert chat.ask(Request("s", (("user", "y"),), max_tokens=5)).text == "ok"
    assert owned.process.poll() is not None
    assert not embedded._servers
    assert SERVER_VARIABLE not in os.environ


def test_a_child_uses_the_server_of_its_parent(spec: ModelSpec) -> None:
    with Chat.open(spec, MemoryStore()) as chat:
        code = (
            "import os, sys; from tnt_llm.llm import embedded; from tnt_llm.llm.spec import choose_model;"
            f"os.environ['XDG_CACHE_HOME'] = {str(spec.cache.parent)!r};"
            f"spec = choose_model({spec.text!r}, os.environ);"
            "print(embedded.acquire(spec).url, len(embedded._servers))"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        connection = next(iter(embedded._servers.values())).connection
        assert said.stdout.split() == [connection.url, "0"]
        assert chat.ask(REQUEST).text == "ok"


def test_a_parents_server_is_not_used_when_it_is_gone_or_serves_another_model(spec: ModelSpec) -> None:
    gone = "http://127.0.0.1:9/v1 key little:000000000000"
    _, model = embedded.model_file(spec)
    for inherited in (gone, f"http://127.0.0.1:9/v1 key {model}", "nonsense"):
        with Chat.open(ModelSpec(spec.text, "", cache=spec.cache, server=inherited), MemoryStore()) as chat:
            assert chat.ask(REQUEST).text == "ok"
            assert len(embedded._servers) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None], ids=["SIGKILL", "SIGTERM", "exit"])
def test_it_is_gone_when_its_owner_is_however_that_ends(
    owner: "subprocess.Popen[str]", how: signal.Signals | None
) -> None:
    pid = server_pid(owner)
    assert not is_gone(pid, within=0.1)
    if how is None:
        assert owner.stdin is not None
        owner.stdin.close()
    else:
        owner.send_signal(how)
    owner.wait()
    assert is_gone(pid)


def test_ctrl_c_at_the_terminal_is_for_the_owner_alone(owner: "subprocess.Popen[str]") -> None:
    pid = server_pid(owner)
    assert os.getpgid(pid) != os.getpgid(owner.pid)


def test_a_server_that_died_is_started_again_by_the_next_who_asks(spec: ModelSpec) -> None:
    with Chat.open(spec, MemoryStore(), retries=0) as chat:
        next(iter(embedded._servers.values())).process.kill()
        next(iter(embedded._servers.values())).process.wait()
        with pytest.raises(EndpointError, match=r"embedded model.*started again"):
            chat.ask(REQUEST)
        with Chat.open(spec, MemoryStore()) as other:
            assert other.ask(REQUEST).text == "ok"


def test_a_file_that_does_not_load_says_what_llama_said(spec: ModelSpec) -> None:
    file = Path(spec.text.removeprefix("embedded:"))
    file.write_bytes(b"GGUF broken")
    with pytest.raises(EndpointError, match=r"little.gguf.*out of bounds"):
        Chat.open(spec, MemoryStore())


def test_a_server_that_is_not_ready_in_time_is_ended(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "START_SECONDS", 0.0)
    with pytest.raises(EndpointError, match="did not start"):
        embedded.acquire(spec)
    assert not embedded._servers


def test_without_llama_the_extra_is_named(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"tnt-llm\[embedded\]"):
        embedded.acquire(spec)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(SettingsError, match="not a GGUF"):
        embedded.model_file(ModelSpec(f"embedded:{tmp_path}/text.gguf", ""))
    with pytest.raises(SettingsError, match="cannot be read"):
        embedded.model_file(ModelSpec(f"embedded:{tmp_path}/none.gguf", ""))


def test_the_packaged_model_has_the_hash_in_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.weights, "assemble", lambda weights, cache: cache / weights.name)
    path, model = embedded.model_file(ModelSpec("embedded", "", cache=Path("/c")))
    assert path == Path("/c/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf")
    assert model == "qwen2.5-coder-1.5b-instruct-q4_k_m:cc324af070c2"


def hub(monkeypatch: pytest.MonkeyPatch, fetch: Any) -> None:
    module = ModuleType("huggingface_hub")
    module.hf_hub_download = fetch  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_a_file_of_a_model_hub_is_fetched_by_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def fetch(repository: str, file: str) -> str:
        asked.append((repository, file))
        (tmp_path / "m.gguf").write_bytes(b"GGUF")
        return str(tmp_path / "m.gguf")

    hub(monkeypatch, fetch)
    path, model = embedded.model_file(ModelSpec("embedded:hf:who/what/sub/m.gguf", "", cache=tmp_path / "c"))
    assert asked == [("who/what", "sub/m.gguf")]
    assert path == tmp_path / "m.gguf"
    assert model.startswith("m:")


def test_a_hub_that_cannot_be_reached_is_an_endpoint_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(repository: str, file: str) -> str:
        raise OSError("no route")

    hub(monkeypatch, fetch)
    with pytest.raises(EndpointError, match=r"m.gguf of who/what.*no route"):
        embedded.model_file(ModelSpec("embedded:hf:who/what/m.gguf", ""))
    with pytest.raises(SettingsError, match="OWNER/REPO/FILE"):
        embedded.model_file(ModelSpec("embedded:hf:who/what", ""))
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPartError, match="pip install huggingface_hub"):
        embedded.model_file(ModelSpec("embedded:hf:who/what/m.gguf", ""))


def test_the_server_is_bounded_private_and_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        sys.modules,
        "xllamacpp",
        SimpleNamespace(
            CommonParams=lambda: SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace()),
            Server=lambda params: params,
        ),
    )
    params = embedded_server.serve(
        {
            "model": "/m",
            "alias": "a",
            "api_key": "k",
            "slots": 4,
            "context": 8192,
            "threads": 2,
            "cache_mib": 512,
        }
    )
    assert (params.hostnames, params.port, params.api_keys) == (["127.0.0.1"], 0, ["k"])
    assert (params.n_parallel, params.n_ctx, params.cache_ram_mib) == (4, 32768, 512)
    assert (params.ui, params.endpoint_slots) == (False, False)


def test_the_server_tells_where_it_is_and_ends_when_it_is_orphaned(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def end(code: int) -> None:
        raise Ended

    parents = iter([7, 7, 1])
    told, pipe_end = os.pipe()
    silent, keep_open = os.pipe()
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"model": "/m"}\n'))
    monkeypatch.setattr(
        embedded_server, "serve", lambda settings: SimpleNamespace(listening_address="http://h:1")
    )
    monkeypatch.setattr(embedded_server.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(embedded_server.os, "dup", lambda descriptor: pipe_end)
    monkeypatch.setattr(embedded_server.os, "dup2", lambda one, other: None)
    monkeypatch.setattr(embedded_server.os, "read", lambda descriptor, size: time.sleep(3600))
    monkeypatch.setattr(embedded_server.os, "_exit", end)
    with pytest.raises(Ended):
        embedded_server.main()
    monkeypatch.undo()
    assert json.loads(os.read(told, 1000)) == {"url": "http://h:1/v1"}
    for descriptor in (told, silent, keep_open):
        os.close(descriptor)
