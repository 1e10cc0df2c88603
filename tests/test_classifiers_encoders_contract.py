"""What every encoder and every representation keeps, whichever it is."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from stub_embeddings import StubEmbeddings
from tiny_models import tiny_static, write_tiny_bert
from tnt_llm.classifiers.encoders import (
    CachedEncoder,
    Encoder,
    Representation,
    SentenceEncoder,
    open_encoder,
    open_representation,
    opening,
    representation,
)
from tnt_llm.classifiers.encoders.encoder import SparseEncoder
from tnt_llm.classifiers.encoders.endpoint import EndpointEncoder
from tnt_llm.classifiers.encoders.tfidf import TfidfEncoder
from tnt_llm.classifiers.features import Features
from tnt_llm.taxonomy.errors import BundleError, MissingPartError, SettingsError

TEXTS = [
    "my card was declined",
    "how do i change the address on my account?",
    "a",
    "",
    "  \n",
    "the payment did not go through. " * 400,
    "🙂 card \ud800",
    "my card was declined",
    "中文 café",
]


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that sentence-transformers wrote."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    source, folder = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("sentence")
    write_tiny_bert(source)
    body = Transformer(str(source), max_seq_length=32)
    SentenceTransformer(modules=[body, Pooling(24)], device="cpu").save(str(folder))
    return folder


@pytest.fixture(params=["minilm", "static", "sentence-transformers", "endpoint", "cached"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Encoder]:
    if request.param == "minilm":
        try:
            yield open_encoder("minilm")
        except MissingPartError as error:
            pytest.skip(str(error))
    elif request.param == "sentence-transformers":
        folder = request.getfixturevalue("tiny_bert")
        yield SentenceEncoder(f"sentence-transformers:{folder}", str(folder))
    elif request.param == "endpoint":
        with StubEmbeddings() as stub:
            opened = EndpointEncoder(stub.spec, "stub", stub.url, "none")
            yield opened
            opened.close()
    else:
        made = tiny_static()
        yield CachedEncoder(made, tmp_path) if request.param == "cached" else made


def test_rows_are_float32_in_the_order_of_the_texts_and_of_length_one_or_zero(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    lengths = np.linalg.norm(vectors, axis=1)
    readable = [number for number, text in enumerate(TEXTS) if text.strip()]
    np.testing.assert_allclose(lengths[readable], 1, atol=1e-5)
    assert all(abs(length) < 1e-6 or abs(length - 1) < 1e-5 for length in lengths)
    np.testing.assert_allclose(vectors[0], vectors[7], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-2)


def test_what_is_in_the_batch_changes_no_row(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], vectors, atol=1e-5)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, vectors, atol=1e-5)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    encoder.encode(TEXTS[:1])  # an endpoint says only then how wide its vectors are
    assert encoder.encode([]).shape == (0, encoder.dimension)


class Words:
    """An encoder that is opened by name, for what is not written into a bundle."""

    id = "words"
    dimension = 2

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = [[1, 0] if "card" in text else [0, 1] for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), 2)


MADE: dict[str, Callable[[], Representation]] = {
    "static": lambda: Representation((tiny_static(),)),
    "tfidf": lambda: Representation((), (TfidfEncoder(),)),
    "static+tfidf": lambda: Representation((tiny_static(),), (TfidfEncoder(),)),
    "words+static+tfidf": lambda: Representation((Words(), tiny_static()), (TfidfEncoder(),)),
}


@pytest.fixture(params=list(MADE))
def features(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Representation:
    monkeypatch.setattr(representation, "open_encoder", lambda spec: Words())
    made = MADE[request.param]()
    assert made.id == request.param
    return made.fit(TEXTS)


def blocks(found: Features) -> list[np.ndarray]:
    return [
        *([] if found.dense is None else [found.dense]),
        *([] if found.sparse is None else [found.sparse.toarray()]),
    ]


def test_rows_of_each_block_have_length_one_or_zero(features: Representation) -> None:
    found = features.encode(TEXTS[:3])
    assert len(found) == 3
    for block in blocks(found):
        assert block.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(block[:2], axis=1), 1, atol=1e-5)


def test_features_do_not_depend_on_the_batch_and_none_give_none(features: Representation) -> None:
    whole = features.encode(TEXTS)
    backwards = features.encode(TEXTS[::-1])
    for one, other in zip(blocks(whole), blocks(backwards), strict=True):
        np.testing.assert_allclose(one, other[::-1], atol=1e-5)
    assert len(features.encode([])) == 0
    assert features.encode([]).width == whole.width


def test_what_was_saved_gives_the_very_same_features(features: Representation, tmp_path: Path) -> None:
    features.save(tmp_path)
    loaded = Representation.load(features.id, tmp_path)
    assert loaded.id == features.id
    for one, other in zip(blocks(features.encode(TEXTS)), blocks(loaded.encode(TEXTS)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cached_encoder_is_saved_like_the_one_behind_it(tmp_path: Path) -> None:
    made = tiny_static()
    Representation((CachedEncoder(made, tmp_path / "vectors"),)).save(tmp_path)
    loaded = Representation.load("static", tmp_path)
    np.testing.assert_array_equal(loaded.encode(TEXTS).dense, made.encode(TEXTS))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    for spec in ("static", "tfidf"):
        with pytest.raises(BundleError, match=spec):
            Representation.load(spec, tmp_path)


def test_a_representation_has_at_least_one_encoder() -> None:
    with pytest.raises(ValueError, match="encoder"):
        Representation(())


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("static+tfidf", ["static", "tfidf"]),
        (" minilm + tfidf ", ["minilm", "tfidf"]),
        ("sentence-transformers:/a+b/c+tfidf", ["sentence-transformers:/a+b/c", "tfidf"]),
        ("openai:m+http://h:1/v1#a+b", ["openai:m", "http://h:1/v1#a+b"]),
        ("tfidf", ["tfidf"]),
        ("./static+model", ["./static+model"]),
    ],
)
def test_encoders_are_joined_by_a_plus_sign_which_a_path_may_hold_too(spec: str, parts: list[str]) -> None:
    assert representation.split_spec(spec) == parts


def test_the_dense_encoders_come_first_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representation, "open_encoder", lambda spec: tiny_static())
    assert open_representation("tfidf+static").id == "static+tfidf"


def test_an_encoder_named_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="twice"):
        open_representation("tfidf+tfidf")


def test_tfidf_is_no_encoder_of_a_run_and_the_error_says_what_is() -> None:
    with pytest.raises(SettingsError, match=r"learns its vocabulary.*minilm"):
        open_encoder("tfidf")


def test_the_path_of_a_folder_is_an_encoder_and_a_bare_word_is_not(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_encoder(str(tiny_bert))
    assert opened.id == f"sentence-transformers:{tiny_bert.resolve()}"
    (tmp_path / "word").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="word"):
        open_encoder("word")
    assert opening.open_encoder("./word").id == f"sentence-transformers:{(tmp_path / 'word').resolve()}"


def test_sparse_encoders_are_what_the_protocol_says() -> None:
    made: SparseEncoder = TfidfEncoder()
    assert made.fit(TEXTS).encode(TEXTS).dtype == np.float32
