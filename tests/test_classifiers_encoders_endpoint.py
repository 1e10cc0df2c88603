"""Embeddings of an endpoint: what is sent, what is made of what comes, and what is said when nothing good does."""

from collections.abc import Iterator

import numpy as np
import pytest
from stub_embeddings import StubEmbeddings, counts
from tnt_llm.classifiers.encoders.endpoint import EndpointEncoder, open_endpoint
from tnt_llm.taxonomy.errors import EndpointError, SettingsError

KEY = "sk-very-secret-key-of-somebody"


@pytest.fixture
def stub() -> Iterator[StubEmbeddings]:
    with StubEmbeddings() as running:
        yield running


@pytest.fixture
def encoder(stub: StubEmbeddings) -> Iterator[EndpointEncoder]:
    opened = EndpointEncoder(stub.spec, "stub", stub.url, KEY, retries=2, backoff=0.01)
    yield opened
    opened.close()


def wanted(text: str) -> np.ndarray:
    return np.array(counts(text)) / np.linalg.norm(counts(text))


def test_vectors_are_normalised_and_in_the_order_of_the_texts(encoder: EndpointEncoder) -> None:
    texts = ["aab", "", "card", " ", "zzz"]
    found = encoder.encode(texts)
    for row, text in zip(found, texts, strict=True):
        np.testing.assert_allclose(row, wanted(text) if text.strip() else 0, atol=1e-6)


def test_blank_texts_are_not_sent_and_many_texts_go_in_several_requests(
    encoder: EndpointEncoder, stub: StubEmbeddings
) -> None:
    encoder.encode(["", *(f"a{number}" for number in range(300)), "x" * 60_000, "y" * 60_000])
    assert [len(request["input"]) for request in stub.requests] == [128, 128, 46]
    assert max(len(text) for request in stub.requests for text in request["input"]) == 16_000


def test_a_text_that_is_too_long_is_cut_and_its_neighbours_are_not(stub: StubEmbeddings) -> None:
    stub.longest = 5_000
    opened = EndpointEncoder(stub.spec, "stub", stub.url, "none", retries=0)
    found = opened.encode(["a" * 4_500, "b" * 12_000, "card"])
    opened.close()
    for row, text in zip(found, ["a" * 4_500, "b" * 3_000, "card"], strict=True):
        np.testing.assert_allclose(row, wanted(text), atol=1e-6)


@pytest.mark.parametrize(
    "reply",
    [
        (500, {"error": {"message": "as told"}}),
        (429, {"error": {"message": "slow down", "code": "rate_limit"}}),
        (200, "<html>Please log in</html>"),
        (200, {"object": "list", "data": []}),
        (200, {"data": [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1, 2]}]}),
        (200, {"data": [{"index": 0, "embedding": ["x"]}]}),
    ],
)
def test_a_fault_that_may_pass_is_tried_again(
    encoder: EndpointEncoder, stub: StubEmbeddings, reply: tuple[int, object]
) -> None:
    stub.replies.append(reply)
    np.testing.assert_allclose(encoder.encode(["card"])[0], wanted("card"), atol=1e-6)
    assert len(stub.requests) == 2


@pytest.mark.parametrize(
    ("status", "calls", "remedy"),
    [(401, 1, "API key"), (404, 1, "model's name"), (500, 3, "See to the endpoint")],
)
def test_a_fault_that_stays_is_told_with_the_remedy_and_without_the_key(
    encoder: EndpointEncoder, stub: StubEmbeddings, status: int, calls: int, remedy: str
) -> None:
    stub.replies += [(status, {"error": {"message": f"no, {KEY}"}})] * 9
    with pytest.raises(EndpointError, match=remedy) as raised:
        encoder.encode(["card"])
    assert len(stub.requests) == calls
    assert KEY not in str(raised.value)
    assert KEY not in repr(encoder)


def test_texts_that_are_refused_though_short_end_it(encoder: EndpointEncoder, stub: StubEmbeddings) -> None:
    stub.replies += [(400, {"error": {"message": "stub makes no embeddings"}})] * 9
    with pytest.raises(EndpointError, match="model for embeddings"):
        encoder.encode(["card", "payment"])
    assert len(stub.requests) == 1


def test_a_model_that_changes_its_width_is_told(encoder: EndpointEncoder, stub: StubEmbeddings) -> None:
    encoder.encode(["card"])
    assert encoder.dimension == 10
    stub.replies.append((200, {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}))
    with pytest.raises(EndpointError, match="another model"):
        encoder.encode(["card"])


def test_nothing_that_answers_is_told_with_the_address() -> None:
    with StubEmbeddings() as stub:
        url = stub.url
    opened = EndpointEncoder(f"{url}#stub", "stub", url, "none", retries=1, backoff=0.01)
    with pytest.raises(EndpointError, match=f"{url}.*correct its address"):
        opened.encode(["card"])
    opened.close()


def test_the_key_of_an_address_is_that_of_the_environment_for_addresses(stub: StubEmbeddings) -> None:
    opened = open_endpoint(stub.spec, {"TNT_LLM_API_KEY": "ours", "OPENAI_API_KEY": "theirs"})
    opened.encode(["card"])
    opened.close()
    assert stub.keys == ["Bearer ours"]
    assert opened.id == stub.spec


def test_openai_is_asked_at_the_address_of_the_environment_with_its_key(stub: StubEmbeddings) -> None:
    environ = {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": stub.url}
    opened = open_endpoint("openai:text-embedding-3-small", environ)
    opened.encode(["card"])
    opened.close()
    assert stub.keys == ["Bearer theirs"]
    assert stub.requests[0]["model"] == "text-embedding-3-small"
    assert opened.id == "openai:text-embedding-3-small"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("openai:", "names no model"),
        ("openai:text-embedding-3-small", "OPENAI_API_KEY"),
        ("http://127.0.0.1:1/v1", "#MODEL"),
        ("http:///v1#m", "#MODEL"),
        ("http://me:secret@127.0.0.1/v1#m", "TNT_LLM_API_KEY"),
    ],
)
def test_a_spec_that_is_not_complete_is_refused(spec: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as raised:
        open_endpoint(spec, {})
    assert "me:secret" not in str(raised.value)
