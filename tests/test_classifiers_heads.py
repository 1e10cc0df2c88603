"""The contract that every head keeps, on dense, sparse and both blocks. What is particular to one has its own file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.head import KINDS, load_head, make_head
from tnt_llm.taxonomy.errors import BundleError, SettingsError

BLOCKS = ("dense", "sparse", "both")
WORDS = 60

Sample = tuple[Features, np.ndarray]


def sample(count: int, classes: int, blocks: str, seed: int = 0, noise: float = 0.5) -> Sample:
    """Texts of classes in turn: vectors around one direction per class, words around six per class."""
    world, draw = np.random.default_rng(99), np.random.default_rng(seed)
    owners = np.arange(count) % classes
    vectors = world.normal(size=(classes, 24))[owners] + noise * draw.normal(size=(count, 24))
    favourites = world.random((classes, WORDS)).argsort(axis=1)[:, :6]
    words = np.zeros((count, WORDS))
    for row, owner in enumerate(owners):
        words[row, draw.choice(favourites[owner], 4, replace=False)] += 1
        words[row, draw.integers(0, WORDS, int(4 * noise))] += 1
    return features(vectors if blocks != "sparse" else None, words if blocks != "dense" else None), owners


def features(vectors: np.ndarray | None, words: np.ndarray | None = None) -> Features:
    """Unit rows in one block or two."""

    def unit(rows: np.ndarray) -> np.ndarray:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)

    return Features(
        None if vectors is None else unit(vectors), None if words is None else csr_matrix(unit(words))
    )


def one_hot(count: int, blocks: str) -> Features:
    eye = np.eye(count)
    return features(eye if blocks != "sparse" else None, eye if blocks != "dense" else None)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for a network holds for a small one that is trained briefly; its own tests train the real ones."""
    monkeypatch.setattr("tnt_llm.classifiers.heads.mlp.GRID", (32, 64))
    monkeypatch.setattr("tnt_llm.classifiers.heads.mlp._MOST_STEPS", 600)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=BLOCKS)
def blocks(request: pytest.FixtureRequest, kind: str) -> str:
    if kind == "knn" and request.param == "sparse":
        pytest.skip("refuses features without a dense block: tests/test_classifiers_heads_knn.py")
    return request.param


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_probabilities_add_up_to_one_and_find_unseen_members(kind, blocks, classes):
    head = make_head(kind, classes).fit(*sample(30 * classes, classes, blocks))
    unseen, owners = sample(20 * classes, classes, blocks, seed=1)
    chances = head.predict_proba(unseen)
    assert chances.shape == (20 * classes, classes)
    assert chances.dtype == np.float64
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    assert (chances.argmax(axis=1) == owners).mean() > 0.9


def test_the_same_input_gives_the_same_head(kind, blocks):
    unseen = sample(20, 4, blocks, seed=1)[0]
    one, two = (make_head(kind, 4).fit(*sample(60, 4, blocks, noise=2)) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(unseen), two.predict_proba(unseen))


@pytest.mark.parametrize("which", [0, 2])
def test_a_single_class_with_examples_gets_everything(kind, blocks, which):
    texts = sample(5, 3, blocks)[0]
    chances = make_head(kind, 3).fit(texts, np.full(5, which)).predict_proba(texts)
    np.testing.assert_array_equal(chances, np.eye(3)[np.full(5, which)])


@pytest.mark.parametrize("seen", [(0, 3), (1, 2, 4)])
def test_a_class_without_examples_has_probability_zero(kind, blocks, seen):
    texts, owners = sample(50, 5, blocks)
    kept = np.isin(owners, seen)
    chances = make_head(kind, 5).fit(texts.take(kept), owners[kept]).predict_proba(texts)
    absent = [label for label in range(5) if label not in seen]
    assert (chances[:, absent] == 0).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    assert (chances[kept].argmax(axis=1) == owners[kept]).all()


@pytest.mark.parametrize("examples", [1, 2])
def test_classes_of_one_or_two_examples_are_learned(kind, blocks, examples):
    texts, owners = sample(12 * examples, 12, blocks, noise=0.2)
    chances = make_head(kind, 12).fit(texts, owners).predict_proba(texts)
    assert (chances.argmax(axis=1) == owners).mean() > 0.9


def test_five_hundred_classes_are_learned(kind, blocks):
    texts, owners = one_hot(500, blocks), np.arange(500)
    twice = Features.concatenate([texts, texts])
    chances = make_head(kind, 500).fit(twice, np.tile(owners, 2)).predict_proba(texts)
    assert (chances.argmax(axis=1) == owners).mean() > 0.9


def test_without_examples_all_classes_are_alike(kind, blocks):
    texts = sample(3, 3, blocks)[0]
    head = make_head(kind, 4).fit(texts.take(slice(0)), np.zeros(0, dtype=np.int64))
    np.testing.assert_allclose(head.predict_proba(texts), 0.25)


def test_without_texts_there_are_no_probabilities(kind, blocks):
    texts, owners = sample(30, 3, blocks)
    assert make_head(kind, 3).fit(texts, owners).predict_proba(texts.take(slice(0))).shape == (0, 3)


def test_a_rare_class_is_found_beside_a_frequent_one(kind, blocks):
    texts, owners = sample(400, 2, blocks, noise=0.3)
    rows = np.concatenate([np.flatnonzero(owners == 0), np.flatnonzero(owners == 1)[:4]])
    head = make_head(kind, 2).fit(texts.take(rows), owners[rows])
    unseen, truth = sample(100, 2, blocks, seed=1, noise=0.3)
    found = head.predict_proba(unseen).argmax(axis=1)
    assert (found[truth == 0] == 0).mean() > 0.95
    assert (found[truth == 1] == 1).mean() > 0.5


def test_an_example_of_weight_zero_teaches_nothing(kind, blocks):
    texts, owners = sample(60, 3, blocks, noise=1.0)
    twice, wrong = Features.concatenate([texts, texts]), np.concatenate([owners, (owners + 1) % 3])
    weight = np.concatenate([np.ones(60), np.zeros(60)])
    plain = make_head(kind, 3).fit(texts, owners).predict_proba(texts)
    weighted = make_head(kind, 3).fit(twice, wrong, weight).predict_proba(texts)
    np.testing.assert_array_equal(weighted, plain)


def test_a_heavy_example_outweighs_light_ones_that_contradict_it(kind, blocks):
    texts, owners = sample(60, 3, blocks)
    twice, mixed = Features.concatenate([texts, texts]), np.concatenate([owners, (owners + 1) % 3])
    weight = np.concatenate([np.full(60, 1.0), np.full(60, 0.05)])
    chances = make_head(kind, 3).fit(twice, mixed, weight).predict_proba(texts)
    assert (chances.argmax(axis=1) == owners).mean() > 0.9


def test_a_saved_head_predicts_the_same(kind, blocks, tmp_path: Path):
    head = make_head(kind, 5).fit(*sample(40, 4, blocks, noise=1.5))
    head.save(tmp_path)
    loaded = load_head(kind, tmp_path)
    assert type(loaded) is type(head)
    unseen = sample(20, 4, blocks, seed=1)[0]
    np.testing.assert_array_equal(loaded.predict_proba(unseen), head.predict_proba(unseen))


def test_a_head_loaded_and_saved_again_is_the_same_bytes(kind, blocks, tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    make_head(kind, 4).fit(*sample(40, 4, blocks)).save(one)
    load_head(kind, one).save(two)
    assert contents(one) == contents(two)


def test_equal_input_is_saved_as_equal_bytes(kind, blocks, tmp_path: Path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        make_head(kind, 4).fit(*sample(40, 4, blocks)).save(folder)
    one, two = map(contents, folders)
    assert one == two


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_damaged_file_of_a_head_is_refused(kind, tmp_path: Path):
    make_head(kind, 4).fit(*sample(40, 4, "dense")).save(tmp_path)
    for name, whole in contents(tmp_path).items():
        for part in (whole[: len(whole) // 2], b"", b"{}", b"[1]"):
            (tmp_path / name).write_bytes(part)
            with pytest.raises(BundleError):
                load_head(kind, tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(BundleError):
            load_head(kind, tmp_path)
        (tmp_path / name).write_bytes(whole)
    load_head(kind, tmp_path)


def test_pickled_arrays_are_never_loaded(kind, tmp_path: Path):
    make_head(kind, 4).fit(*sample(40, 4, "dense")).save(tmp_path)
    for file in tmp_path.glob("*.npz"):
        with np.load(file) as held:
            arrays = {name: np.array([{"a": 1}] * 4, dtype=object) for name in held.files}
        np.savez(file, allow_pickle=True, **arrays)
        with pytest.raises(BundleError, match="cannot be read"):
            load_head(kind, tmp_path)


def test_a_head_of_fewer_classes_than_its_arrays_is_refused(kind, tmp_path: Path):
    make_head(kind, 4).fit(*sample(40, 4, "dense")).save(tmp_path)
    settings = (tmp_path / "head.json").read_text()
    assert '"classes": 4' in settings
    (tmp_path / "head.json").write_text(settings.replace('"classes": 4', '"classes": 3'))
    with pytest.raises(BundleError, match="inconsistent"):
        load_head(kind, tmp_path)


def test_a_refit_keeps_what_the_head_chose_and_nothing_it_learned(kind, blocks):
    texts, owners = sample(60, 3, blocks, noise=2)
    head = make_head(kind, 3, seed=5).fit(texts, owners)
    again = head.refit()
    assert again is not head
    np.testing.assert_array_equal(again.fit(texts, owners).predict_proba(texts), head.predict_proba(texts))


def test_arguments_that_do_not_go_together_are_refused(kind):
    texts, owners = sample(6, 3, "dense")
    for classes, weight, match in [
        (owners[:5], None, "6 texts, 5 classes"),
        (owners, np.ones(5), "5 weights"),
        (owners + 1, None, r"not in 0\.\.2"),
        (owners, np.full(6, -1.0), "from 0 on"),
        (owners, np.full(6, np.nan), "from 0 on"),
    ]:
        with pytest.raises(SettingsError, match=match):
            make_head(kind, 3).fit(texts, classes, weight)


def test_a_head_of_an_unknown_kind_asks_for_a_newer_tnt(tmp_path: Path):
    with pytest.raises(BundleError, match=r"'crystal ball'.*newer"):
        load_head("crystal ball", tmp_path)


def test_a_kind_that_there_is_not_is_answered_with_those_that_there_are():
    with pytest.raises(SettingsError, match=", ".join(KINDS)):
        make_head("crystal ball", 3)


PREDICT = """
import sys
from pathlib import Path
import numpy as np
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.head import load_head
head = load_head(sys.argv[1], Path(sys.argv[2]))
head.predict_proba(Features(np.ones((2, 24), dtype=np.float32)))
print(sorted({"torch", "sklearn", "lightgbm", "sentence_transformers", "faiss"} & set(sys.modules)))
"""


def test_predicting_imports_no_library_that_only_training_needs(kind, tmp_path: Path):
    needed = {"knn": ["faiss"], "lightgbm": ["lightgbm"]}.get(kind, [])
    make_head(kind, 4).fit(*sample(40, 4, "dense")).save(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, kind, str(tmp_path)], capture_output=True, text=True, check=True
    )
    imported = [name for name in ast_list(done.stdout) if name != "sklearn" or kind != "lightgbm"]
    assert imported == needed


def ast_list(text: str) -> list[str]:
    import ast

    return ast.literal_eval(text)
