"""The static encoder: model2vec's vectors from a table, and the table from a BERT."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from tiny_models import PIECES, tiny_static, tiny_tokenizer, write_tiny_bert
from tnt_llm.classifiers.encoders import distillation, words
from tnt_llm.classifiers.encoders.bert import Bert
from tnt_llm.classifiers.encoders.static import TABLE_FILE, TOKENIZER_FILE, StaticEncoder
from tnt_llm.taxonomy.errors import BundleError, StorageError

TEXTS = [
    "My card was declined!",
    "how do i change the address on my account?",
    "Unable to pay ... 中文 café CAFÉ",
    "straße unabled",
    "the the the payment",
    "a\u00a0b\u2003c",
]


def test_vectors_are_those_of_model2vec() -> None:
    from model2vec import StaticModel

    encoder = tiny_static()
    theirs = StaticModel(encoder._table, tiny_tokenizer(), normalize=True)
    np.testing.assert_allclose(encoder.encode(TEXTS), theirs.encode(TEXTS), atol=1e-6)


def test_a_text_of_unknown_characters_alone_has_a_row_of_zeros() -> None:
    vectors = tiny_static().encode(["", " \n ", "🙂🙂", "card"])
    np.testing.assert_array_equal(np.linalg.norm(vectors, axis=1) > 0.5, [False, False, False, True])


def test_marks_of_a_transformer_in_a_text_are_read_as_letters() -> None:
    encoder = tiny_static()
    encoder._stored[3] = 9  # [CLS], if it were taken for one
    assert not np.allclose(encoder.encode(["[CLS] card"])[0], encoder.encode(["[PAD] card"])[0] + 9)
    np.testing.assert_allclose(encoder.encode(["[CLS] card"]), encoder.encode(["card"]), atol=1e-6)


def test_words_that_are_forgotten_come_back_with_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = tiny_static()
    forgetful._lexicon._limit = 2
    once = [forgetful.encode([text])[0] for text in TEXTS]
    again = [forgetful.encode([text])[0] for text in TEXTS]
    np.testing.assert_array_equal(once, again)
    np.testing.assert_allclose(once, tiny_static().encode(TEXTS), atol=1e-6)


def test_long_texts_are_worked_on_apart_and_rows_stay_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny_static()
    whole = encoder.encode(TEXTS * 3)
    monkeypatch.setattr(words, "_CHARACTERS", 30)
    monkeypatch.setattr(words, "_TEXTS", 2)
    assert [len(chunk) for chunk in words.chunks(["a" * 99, "b", "c", "d"])] == [1, 2, 1]
    np.testing.assert_allclose(encoder.encode(TEXTS * 3), whole, atol=1e-6)


def test_words_whose_analysis_failed_are_analysed_again() -> None:
    answers = iter([RuntimeError("no"), (np.array([1]), np.array([7], dtype=np.int32))])

    def analyse(fresh: list[str]) -> words.Columns:
        answer = next(answers)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer

    lexicon = words.Lexicon(analyse)
    with pytest.raises(RuntimeError):
        lexicon.look_up(["card"])
    assert lexicon.look_up(["card"]).columns.tolist() == [7]


@pytest.mark.parametrize(
    "damage", ["no table", "cut table", "other table", "pickle", "no tokenizer", "cut tokenizer"]
)
def test_a_damaged_folder_is_refused(tmp_path: Path, damage: str) -> None:
    tiny_static().save(tmp_path)
    table, tokenizer = tmp_path / TABLE_FILE, tmp_path / TOKENIZER_FILE
    if damage == "no table":
        table.unlink()
    elif damage == "cut table":
        table.write_bytes(table.read_bytes()[:-5])
    elif damage == "other table":
        np.save(table, np.zeros((3, 3), dtype=np.float16))
    elif damage == "pickle":
        np.save(table, np.array([{}], dtype=object), allow_pickle=True)
    elif damage == "no tokenizer":
        tokenizer.unlink()
    else:
        tokenizer.write_text(tokenizer.read_text()[:-5])
    with pytest.raises(BundleError, match="static"):
        StaticEncoder.load(tmp_path)


def test_loading_and_encoding_import_neither_torch_nor_model2vec_nor_sklearn(tmp_path: Path) -> None:
    tiny_static().save(tmp_path)
    script = f"""
import json, sys
from pathlib import Path
from tnt_llm.classifiers.encoders.representation import Representation
vectors = Representation.load("static", Path({str(tmp_path)!r})).encode(["my card"]).dense
heavy = ("torch", "model2vec", "sentence_transformers", "transformers", "sklearn", "openai", "faiss")
print(json.dumps([vectors.shape, [name for name in heavy if name in sys.modules]]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[1, 8], []]
    assert done.stderr == ""


def test_a_bert_without_padding_gives_what_transformers_gives(tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    write_tiny_bert(tmp_path)
    model = BertModel.from_pretrained(tmp_path).eval()
    texts = [[3, 9, 4], [3, 4], [3, *range(6, 40), 4], [3, 7, 4], [3, 9, 4]]
    with torch.no_grad():
        wanted = [model(torch.tensor([text])).last_hidden_state[0].mean(0).numpy() for text in texts]
    np.testing.assert_allclose(Bert(tmp_path).pool(texts), np.stack(wanted), atol=2e-5)


def test_batches_on_several_cores_give_the_same_and_leave_the_setting_of_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    write_tiny_bert(tmp_path)
    model = Bert(tmp_path)
    texts = [[3, 6 + number % 30, 4] * (1 + number % 9) for number in range(300)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        wanted = model.pool(texts)
        torch.set_num_threads(3)
        np.testing.assert_allclose(model.pool(texts), wanted, atol=1e-5)
        assert torch.get_num_threads() == 3
        monkeypatch.setattr(model, "_pool", lambda texts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            model.pool(texts)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_bert_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_tiny_bert(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"gelu"', '"relu"'))
    with pytest.raises(ValueError, match="GELU"):
        Bert(tmp_path)


def test_components_are_those_of_a_principal_component_analysis() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 6)).astype(np.float32) * [5, 4, 3, 2, 1, 0.5]
    ours, theirs = distillation.reduce(rows.astype(np.float32), 3), PCA(3).fit_transform(rows)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)
    assert (ours.max(axis=0) >= -ours.min(axis=0)).all()


def test_frequent_pieces_weigh_less() -> None:
    weights = distillation.weights(1000)
    assert (np.diff(weights) > 0).all()
    share = (1 / 2) / (1 / np.arange(2, 1002)).sum()
    assert weights[0] == pytest.approx(1e-4 / (1e-4 + share))


def test_a_distilled_table_holds_each_piece_alone_and_nothing_for_special_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "check_weights", lambda path: None)
    monkeypatch.setattr(distillation, "DIMENSION", 6)
    monkeypatch.setattr(distillation, "_BATCH", 7)
    source = write_tiny_bert(tmp_path)
    encoder = distillation.distil(source)
    kept = [number for number, piece in enumerate(PIECES) if piece != "[unused0]"]
    alone = Bert(source).pool([[3, piece, 4] for piece in kept])
    wanted = np.zeros((len(PIECES), 6))
    wanted[kept] = distillation.reduce(alone, 6) * distillation.weights(len(kept))[:, None]
    wanted[:6] = 0
    np.testing.assert_allclose(encoder._table, wanted, rtol=2e-3, atol=1e-6)


def test_static_is_distilled_once_and_read_from_the_cache_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = []
    monkeypatch.setattr(distillation, "minilm_folder", lambda: tmp_path)
    monkeypatch.setattr(distillation, "distil", lambda source: made.append(source) or tiny_static())
    caplog.set_level(logging.INFO)
    first, second = (distillation.open_static({"XDG_CACHE_HOME": str(tmp_path)}) for _ in range(2))
    assert len(made) == 1
    np.testing.assert_array_equal(first.encode(TEXTS), second.encode(TEXTS))
    (folder,) = (tmp_path / "tnt-llm").glob("static-*")
    (folder / TABLE_FILE).write_bytes(b"half")  # as a full disk may leave it
    distillation.open_static({"XDG_CACHE_HOME": str(tmp_path)})
    assert len(made) == 2


def test_a_cache_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "tnt-llm").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="XDG_CACHE_HOME"):
        distillation.open_static({"XDG_CACHE_HOME": str(tmp_path)})
