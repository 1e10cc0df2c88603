"""The bundle: what is saved comes back; what is damaged, incomplete or newer is refused by file name."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tnt_llm.classifiers import bundle
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders import representation
from tnt_llm.classifiers.encoders.representation import Representation, open_representation
from tnt_llm.taxonomy.errors import BundleError, MissingPartError, SettingsError, StorageError
from tnt_llm.tools.train_classifier import train_classifier
from toy_texts import WordEncoder, sample_of, taxonomy_of

TEXTS = sample_of(6, "pets", "taxes", "football", "strange", seed=3)[0]


@pytest.fixture(autouse=True)
def word_encoder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(representation, "open_encoder", WordEncoder)


def trained(*topics: str) -> Classifier:
    texts, labels = sample_of(12, *topics, "strange")
    return train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of(*topics),
        representation=Representation((WordEncoder(),)),
        head="linear",
        seed=0,
    )[0]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return trained("pets", "taxes", "football")


@pytest.fixture
def saved(classifier: Classifier, tmp_path: Path) -> Path:
    classifier.save(tmp_path / "classifier")
    return tmp_path / "classifier"


def data_of(folder: Path) -> Path:
    return folder / json.loads((folder / "manifest.json").read_text())["data"]


def change_manifest(folder: Path, **entries: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | entries))


def test_a_loaded_classifier_is_the_saved_one(classifier: Classifier, saved: Path):
    loaded = Classifier.load(saved)
    assert loaded.predict(TEXTS) == classifier.predict(TEXTS)
    for name in ("labels", "calibration", "learned_undefined", "least_confidence"):
        assert getattr(loaded, name) == getattr(classifier, name)
    assert loaded.metrics == json.loads(json.dumps(classifier.metrics))
    assert loaded.representation.id == classifier.representation.id


def test_the_card_and_the_metrics_are_read_without_loading_the_classifier(saved: Path):
    assert (data_of(saved) / "README.md").read_text("utf-8").startswith("# Classifier: ")
    found = bundle.read_metrics(saved)
    assert found["n"] == 48
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        bundle.read_metrics(saved / "nowhere")


def test_what_was_promised_comes_back(classifier: Classifier, tmp_path: Path):
    careful = replace(classifier, least_confidence=0.42, corpus="mails.csv", labelled_by="a model")
    careful.save(tmp_path / "careful")
    loaded = Classifier.load(tmp_path / "careful")
    assert (loaded.least_confidence, loaded.corpus, loaded.labelled_by) == (0.42, "mails.csv", "a model")
    assert loaded.agreement is not None
    assert classifier.agreement is not None
    assert loaded.agreement.threshold(0.5) == classifier.agreement.threshold(0.5)


def test_a_bundle_that_was_moved_still_loads(saved: Path, tmp_path: Path):
    moved = shutil.move(saved, tmp_path / "elsewhere")
    assert Classifier.load(str(moved)).predict(["cat dog vet leash"])[0].primary == "Pets"


def test_equal_classifiers_make_equal_bundles(classifier: Classifier, saved: Path, tmp_path: Path):
    classifier.save(tmp_path / "again")
    one, two = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in (saved, tmp_path / "again")
    )
    assert one == two


def test_the_manifest_lists_every_file_with_size_and_hash_and_nothing_else_is_there(saved: Path):
    manifest = json.loads((saved / "manifest.json").read_text())
    assert sorted(file.name for file in saved.iterdir()) == [manifest["data"], "manifest.json"]
    listed = {name: facts["bytes"] for name, facts in manifest["files"].items()}
    assert listed == {file.name: file.stat().st_size for file in data_of(saved).iterdir()}
    expected = {"classifier.json", "index.faiss", "gate.npz", "agreement.npz", "head.json", "README.md"}
    assert expected <= listed.keys()
    assert manifest["format"] == bundle.FORMAT


def test_nothing_in_a_bundle_is_a_pickle(saved: Path):
    for file in data_of(saved).iterdir():
        assert file.suffix in {".json", ".npy", ".npz", ".faiss", ".md"}
        assert not file.read_bytes().startswith(b"\x80")


def test_saving_again_replaces_the_old_classifier_and_its_files(saved: Path):
    before = data_of(saved)
    trained("cooking", "taxes").save(saved)
    assert [label.name for label in Classifier.load(saved).labels] == ["Cooking", "Taxes"]
    assert not before.exists()
    assert len(list(saved.iterdir())) == 2


def test_saving_the_same_again_changes_nothing(classifier: Classifier, saved: Path):
    before = {file: file.stat().st_mtime_ns for file in data_of(saved).iterdir()}
    classifier.save(saved)
    assert {file: file.stat().st_mtime_ns for file in data_of(saved).iterdir()} == before


def test_saving_again_mends_a_damaged_bundle(classifier: Classifier, saved: Path):
    (data_of(saved) / "index.faiss").write_bytes(b"")
    classifier.save(saved)
    assert Classifier.load(saved).predict(TEXTS) == classifier.predict(TEXTS)


def test_saving_removes_what_a_kill_left_and_leaves_foreign_files(classifier: Classifier, saved: Path):
    (saved / ".building-0123abcd").mkdir()
    (saved / "data-0123456789ab").mkdir()
    (saved / "notes.txt").write_text("mine")
    classifier.save(saved)
    assert sorted(file.name for file in saved.iterdir()) == [
        data_of(saved).name,
        "manifest.json",
        "notes.txt",
    ]


@pytest.mark.parametrize("name", ["classifier.json", "index.faiss", "head.json", "head.npz", "README.md"])
@pytest.mark.parametrize("fault", ["changed", "cut", "missing"])
def test_a_damaged_file_is_refused_by_name(saved: Path, name: str, fault: str):
    file = data_of(saved) / name
    whole = file.read_bytes()
    if fault == "missing":
        file.unlink()
    else:
        file.write_bytes(whole[:-1] if fault == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BundleError, match=name):
        Classifier.load(saved)


def test_a_bundle_without_a_manifest_was_not_finished(saved: Path):
    (saved / "manifest.json").unlink()
    with pytest.raises(BundleError, match=r"manifest\.json is missing.*tnt resume"):
        Classifier.load(saved)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match="there is no classifier in"):
        Classifier.load(tmp_path / "nowhere")


@pytest.mark.parametrize("content", ["", "{", "[]", "\udcff"])
def test_a_manifest_that_is_no_json_object_is_refused_by_name(saved: Path, content: str):
    (saved / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Classifier.load(saved)


@pytest.mark.parametrize("version", [1, 99, "2", None])
def test_a_bundle_of_another_format_names_the_tnt_that_reads_it(saved: Path, version: object):
    change_manifest(saved, format=version, tnt="9.9.9")
    with pytest.raises(BundleError, match=r"reads 2.*9\.9\.9"):
        Classifier.load(saved)


@pytest.mark.parametrize(
    "entries",
    [
        {"data": "../classifier"},
        {"data": 7},
        {"files": ["index.faiss"]},
        {"files": {"../../secret": {"bytes": 1, "sha256": ""}}},
        {"files": {".hidden": {"bytes": 1, "sha256": ""}}},
        {"files": {"index.faiss": None}},
        {"files": {}},
    ],
    ids=str,
)
def test_a_manifest_whose_entries_make_no_sense_is_refused(saved: Path, entries: dict[str, object]):
    change_manifest(saved, **entries)
    with pytest.raises(BundleError, match=r"manifest\.json is damaged"):
        Classifier.load(saved)


def test_a_manifest_without_features_is_refused(saved: Path):
    manifest = json.loads((saved / "manifest.json").read_text())
    del manifest["features"]
    (saved / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="'features'"):
        Classifier.load(saved)


@pytest.mark.parametrize("fault", [MissingPartError, SettingsError])
def test_an_encoder_that_cannot_be_opened_is_told_as_it_is(saved: Path, monkeypatch, fault):
    def refuse(spec: str) -> WordEncoder:
        raise fault(f"no {spec} here")

    monkeypatch.setattr(representation, "open_encoder", refuse)
    with pytest.raises(fault, match="no words here"):
        Classifier.load(saved)


def test_a_full_disk_is_told_and_keeps_the_old_bundle(classifier: Classifier, saved: Path, monkeypatch):
    def full(self: object, folder: Path) -> None:
        (folder / "head.npz").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(classifier.head), "save", full)
    with pytest.raises(StorageError, match="room"):
        replace(classifier, metrics={"other": 1}).save(saved)
    monkeypatch.undo()
    monkeypatch.setattr(representation, "open_encoder", WordEncoder)
    assert Classifier.load(saved).predict(TEXTS) == classifier.predict(TEXTS)
    assert not list(saved.glob(".building-*"))


def test_a_folder_that_cannot_be_made_is_told(classifier: Classifier, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        classifier.save(tmp_path / "file" / "classifier")


KILLED = """
import os, signal, sys
from pathlib import Path
from test_support_bundle import other
from tnt_llm.classifiers import bundle
from tnt_llm.classifiers.encoders import representation

fatal, folder = int(sys.argv[1]), Path(sys.argv[2])
calls = 0

def counting(function):
    def counted(*args, **kwargs):
        global calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return counted

bundle._sync = counting(bundle._sync)
bundle.write_atomic = counting(bundle.write_atomic)
bundle.shutil.rmtree = counting(bundle.shutil.rmtree)
other().save(folder)
"""


def test_killed_at_any_step_of_saving_a_whole_classifier_is_there(
    classifier: Classifier, saved: Path, tmp_path: Path
):
    (tmp_path / "test_support_bundle.py").write_text(
        "import numpy as np\n"
        "from tnt_llm.classifiers.classifier import Classifier\n"
        "from tnt_llm.classifiers.encoders.representation import Representation\n"
        "from tnt_llm.classifiers.features import Features\n"
        "from tnt_llm.classifiers.heads.logistic import LogisticHead\n"
        "from tnt_llm.classifiers.index import EmbeddingIndex\n"
        "from tnt_llm.classifiers.predictions import Label\n"
        "class Named:\n    id = 'words'\n"
        "def other():\n"
        "    rows = np.eye(48, dtype=np.float32)[:2]\n"
        "    head = LogisticHead(1).fit(Features(rows), np.zeros(2, dtype=np.int64))\n"
        "    words = Representation((Named(),))\n"
        "    return Classifier((Label('n', 'New', 'd'),), words, head, EmbeddingIndex.build(rows))\n"
    )
    names = set()
    for fatal in range(1, 30):
        folder = tmp_path / f"killed-{fatal}"
        shutil.copytree(saved, folder)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(fatal), str(folder)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        loaded = Classifier.load(folder)
        names.add(loaded.labels[0].name)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    else:
        pytest.fail("saving never came to its end")
    assert fatal > 8
    assert names == {"Pets", "New"}


def test_loading_and_classifying_with_tfidf_and_a_linear_head_imports_nothing_heavy(tmp_path: Path):
    texts, labels = sample_of(12, "pets", "taxes")
    made, _ = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of("pets", "taxes"),
        representation=open_representation("tfidf"),
        head="linear",
        seed=0,
    )
    made.save(tmp_path / "words")
    code = (
        "import sys; from tnt_llm.classifiers.classifier import Classifier\n"
        "found = Classifier.load(sys.argv[1]).predict(['cat dog vet leash'])[0].primary\n"
        "heavy = ('torch', 'sentence_transformers', 'sklearn', 'lightgbm', 'faiss', 'langgraph', 'pandas')\n"
        "print(found, *[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "words")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["Pets"]
