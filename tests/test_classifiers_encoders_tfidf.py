"""The tfidf encoder: scikit-learn's weights over words, pairs of words and n-grams, without scikit-learn."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from tnt_llm.classifiers.encoders.tfidf import PAIRS_FILE, TERMS_FILE, WEIGHTS_FILE, TfidfEncoder
from tnt_llm.classifiers.encoders.vocabulary import Recipe, grams, split
from tnt_llm.taxonomy.errors import BundleError

TEXTS = [
    "my card was declined, my card!",
    "My card was stolen",
    "the payment was declined",
    "the payment did not go through",
    "was it my card",
    "",
]


def test_words_and_pairs_have_the_weights_of_scikit_learn() -> None:
    theirs = TfidfVectorizer(
        tokenizer=split, token_pattern=None, lowercase=False, ngram_range=(1, 2), sublinear_tf=True
    )
    wanted = theirs.fit_transform(TEXTS).toarray()
    encoder = TfidfEncoder(recipe=Recipe(grams=(3, 2), least=1)).fit(TEXTS)
    vocabulary = encoder.vocabulary
    assert vocabulary is not None
    names = ["", *vocabulary.words, *vocabulary.grams]
    base = len(vocabulary.words) + 1
    names += [f"{names[pair // base]} {names[pair % base]}" for pair in vocabulary.pairs]
    assert sorted(names[1:]) == sorted(theirs.vocabulary_)
    found = encoder.encode(TEXTS).toarray()
    np.testing.assert_allclose(
        found[:, 1:], wanted[:, [theirs.vocabulary_[name] for name in names[1:]]], atol=1e-6
    )
    assert not found[:, 0].any()


def test_n_grams_are_those_within_words_and_the_spaces_around_them() -> None:
    assert grams("card", (3, 4)) == [" ca", "car", "ard", "rd ", " car", "card", "ard "]
    assert grams("!", (3, 4)) == []


def test_terms_that_too_few_texts_have_are_not_learnt_and_the_most_frequent_stay() -> None:
    least = TfidfEncoder(recipe=Recipe(least=2)).fit(TEXTS).vocabulary
    assert least is not None
    assert set(least.words) == {"card", "declined", "my", "payment", "the", "was"}
    capped = (
        TfidfEncoder(recipe=Recipe(least=2, most_words=2, most_grams=3, most_pairs=1)).fit(TEXTS).vocabulary
    )
    assert capped is not None
    assert capped.words == ("card", "was")  # each in three texts or more, then by the alphabet
    assert len(capped.grams) == 3
    assert len(capped.pairs) == 1  # "card was"


def test_pairs_do_not_reach_from_one_text_into_the_next() -> None:
    encoder = TfidfEncoder(recipe=Recipe(grams=(3, 2), least=1)).fit(["a b", "b a"])
    assert encoder.encode(["a", "b", "a b"]).getnnz(axis=1).tolist() == [1, 1, 3]


def test_what_is_learnt_does_not_depend_on_the_order_of_the_texts(tmp_path: Path) -> None:
    for name, texts in (("forward", TEXTS), ("backward", TEXTS[::-1])):
        (tmp_path / name).mkdir()
        TfidfEncoder().fit(texts).save(tmp_path / name)
    for file in (TERMS_FILE, PAIRS_FILE, WEIGHTS_FILE):
        assert (tmp_path / "forward" / file).read_bytes() == (tmp_path / "backward" / file).read_bytes()


def test_fitting_leaves_the_encoder_as_it_was_and_an_unfitted_one_says_so() -> None:
    encoder = TfidfEncoder()
    encoder.fit(TEXTS)
    with pytest.raises(ValueError, match="fit"):
        encoder.encode(TEXTS)


def test_texts_without_a_term_that_two_share_leave_empty_rows() -> None:
    rows = TfidfEncoder().fit(["one", "two"]).encode(["one", "three"])
    assert rows.shape == (2, 1)
    assert rows.nnz == 0
    assert TfidfEncoder().fit([]).encode(["one"]).nnz == 0


def test_any_unicode_a_megabyte_and_a_lone_surrogate_are_read(tmp_path: Path) -> None:
    texts = [
        "中文字 hello",
        "中文字",
        "\ud800 half",
        "half \ud800",
        "ﬁne ＦＩＮＥ",
        "fine",
        "x" * 1_000_000,
        "w " * 200_000,
    ]
    encoder = TfidfEncoder().fit(texts * 2)
    encoder.save(tmp_path)
    loaded = TfidfEncoder.load(tmp_path)
    rows = loaded.encode(texts)
    assert (abs(rows - encoder.encode(texts)) > 0).nnz == 0
    np.testing.assert_allclose(rows.multiply(rows).sum(axis=1), 1, atol=1e-5)
    assert rows[4].multiply(rows[5]).sum() > 0.9  # characters that look alike are one


@pytest.mark.parametrize("damage", ["no terms", "cut terms", "other format", "short weights", "float pairs"])
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: str) -> None:
    TfidfEncoder().fit(TEXTS).save(tmp_path)
    terms, weights = tmp_path / TERMS_FILE, tmp_path / WEIGHTS_FILE
    if damage == "no terms":
        terms.unlink()
    elif damage == "cut terms":
        terms.write_text(terms.read_text()[:-5])
    elif damage == "other format":
        terms.write_text(json.dumps(json.loads(terms.read_text()) | {"format": 99}))
    elif damage == "short weights":
        np.save(weights, np.load(weights)[:-1])
    else:
        np.save(tmp_path / PAIRS_FILE, np.load(tmp_path / PAIRS_FILE).astype(float))
    with pytest.raises(BundleError, match="tfidf"):
        TfidfEncoder.load(tmp_path)


def test_loading_and_encoding_import_neither_sklearn_nor_torch(tmp_path: Path) -> None:
    TfidfEncoder().fit(TEXTS).save(tmp_path)
    script = f"""
import json, sys
from pathlib import Path
from tnt_llm.classifiers.encoders.representation import Representation
rows = Representation.load("tfidf", Path({str(tmp_path)!r})).encode(["my card"]).sparse
print(json.dumps([rows.nnz > 0, [name for name in ("torch", "sklearn", "faiss") if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, []]
