"""Which model is chosen, and why."""

from pathlib import Path

import pytest
from tnt_llm.llm.spec import SERVER_VARIABLE, Prices, choose_model
from tnt_llm.taxonomy.errors import SettingsError

KEY = {"OPENAI_API_KEY": "sk-secret-0123456789"}


@pytest.mark.parametrize(
    ("explicit", "environ", "text", "reason"),
    [
        (None, {}, "embedded", "OPENAI_API_KEY is not set"),
        ("", {}, "embedded", "OPENAI_API_KEY is not set"),
        (None, KEY, "openai:gpt-4.1-mini", "OPENAI_API_KEY is set"),
        (None, KEY | {"OPENAI_MODEL": "gpt-x"}, "openai:gpt-x", "OPENAI_API_KEY is set"),
        (None, {"TNT_LLM_GGUF": "/m.gguf"}, "embedded:/m.gguf", "TNT_LLM_GGUF is set"),
        ("embedded", KEY, "embedded", "named"),
        ("embedded", {"TNT_LLM_GGUF": "/m.gguf"}, "embedded:/m.gguf", "TNT_LLM_GGUF"),
        ("embedded:/x.gguf", {"TNT_LLM_GGUF": "/m.gguf"}, "embedded:/x.gguf", "named"),
        ("openai:gpt-y", KEY, "openai:gpt-y", "named"),
        (" http://127.0.0.1:1/v1#m ", KEY, "http://127.0.0.1:1/v1#m", "named"),
        ("anthropic:claude-z", {}, "anthropic:claude-z", "named"),
    ],
)
def test_what_is_named_beats_the_environment(
    explicit: str | None, environ: dict[str, str], text: str, reason: str
) -> None:
    spec = choose_model(explicit, environ)
    assert spec.text == text
    assert reason in spec.reason


@pytest.mark.parametrize(
    ("explicit", "match"),
    [
        ("gpt-4", "openai:MODEL"),
        (":x", "provider:MODEL"),
        ("openai:", "provider:MODEL"),
        ("http://", "no host"),
        ("http://me:pw@host/v1#m", "TNT_LLM_API_KEY"),
        ("openai:gpt-4", "OPENAI_API_KEY"),
    ],
)
def test_a_name_that_makes_no_sense_is_refused_with_what_to_write(explicit: str, match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        choose_model(explicit, {})


def test_keys_are_never_shown() -> None:
    spec = choose_model(None, KEY | {SERVER_VARIABLE: "http://127.0.0.1:1/v1 topsecret m"})
    assert spec.api_key == KEY["OPENAI_API_KEY"]
    assert spec.server is not None
    assert "secret" not in repr(spec)


def test_the_key_of_openai_is_not_sent_to_another_address() -> None:
    assert choose_model("http://127.0.0.1:1/v1#m", KEY).api_key is None
    assert choose_model("http://127.0.0.1:1/v1#m", KEY | {"TNT_LLM_API_KEY": "mine"}).api_key == "mine"


def test_another_address_of_openai_counts_for_openai_alone() -> None:
    environ = KEY | {"OPENAI_BASE_URL": "http://proxy/v1"}
    assert choose_model(None, environ).base_url == "http://proxy/v1"
    assert choose_model("embedded", environ).base_url is None


def test_the_cache_follows_the_user() -> None:
    assert choose_model(None, {"XDG_CACHE_HOME": "/big"}).cache == Path("/big/tnt-llm")
    assert choose_model(None, {}).cache == Path("~/.cache/tnt-llm")


def test_prices_are_three_numbers() -> None:
    assert choose_model(None, {"TNT_LLM_PRICES": "0.4, 0.1, 1.6"}).prices == Prices(0.4, 0.1, 1.6)
    assert choose_model(None, {}).prices is None
    for wrong in ("1,2", "a,b,c"):
        with pytest.raises(SettingsError, match="three numbers"):
            choose_model(None, {"TNT_LLM_PRICES": wrong})


def test_a_spec_knows_its_kind() -> None:
    assert choose_model("embedded:x.gguf", {}).is_embedded
    assert choose_model("https://host/v1#m", {}).is_url
    other = choose_model("embeddedx:m", {})
    assert not other.is_embedded
    assert not other.is_url
