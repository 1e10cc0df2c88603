"""The classifier on disk: ``manifest.json`` and one data folder, without pickle.

::

    classifier/
    ├── manifest.json           format, tnt's version, features, head, data folder, size and hash of each file
    └── data-0a1b2c3d4e5f/      named by its content
        ├── README.md           the model card, for people
        ├── classifier.json     labels, use case, calibration, metrics
        ├── index.faiss         vectors of the training texts that have a category, where there are vectors
        ├── gate.npz            what the novelty gate compares texts with, likewise
        ├── agreement.npz       held-out confidences beside whether the LLM's label was given
        ├── head.json, ...      what the head writes
        ├── multilabel.*        what tells the labels that apply beside the primary one, where that was learned
        └── ...                 what the encoders write

The manifest is written last and replaces the old one in a single rename; the data folder that the old one
named is removed only then. So whatever is killed, and whenever: a folder with a manifest holds a whole
classifier.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .. import __version__
from ..checkpoints.files import write_atomic
from ..checkpoints.storage_errors import file_fault
from ..taxonomy.errors import BundleError
from .agreement import Agreement
from .calibration import Calibration
from .card import model_card
from .classifier import Classifier
from .encoders.representation import Representation
from .gate import Gate
from .heads.head import load_head
from .index import EmbeddingIndex
from .predictions import Label

if TYPE_CHECKING:
    from .multilabel import OneVsRest

FORMAT = 2
MANIFEST = "manifest.json"
CARD = "README.md"
_INDEX = "index.faiss"
_AGREEMENT = "agreement.npz"
_MULTI = "multilabel.json"

_DATA = re.compile(r"data-[0-9a-f]{12}")
_OURS = re.compile(r"data-[0-9a-f]{12}|\.building-[0-9a-f]{8}")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def save_bundle(classifier: Classifier, folder: Path) -> None:
    """Write a bundle; one that is there stays whole until the new one is. Equal classifiers give equal bytes.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    building = folder / f".building-{uuid4().hex[:8]}"
    try:
        building.mkdir(parents=True)
        files = _write_data(classifier, building)
        data = "data-" + hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
        if not _intact(folder, data, files):
            shutil.rmtree(folder / data, ignore_errors=True)  # what a fault has left of the very same content
            building.rename(folder / data)
            _sync(folder)
        manifest = {
            "format": FORMAT,
            "tnt": __version__,
            "features": classifier.representation.id,
            "head": classifier.head.kind,
            "data": data,
            "files": files,
        }
        write_atomic(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        for old in folder.iterdir():
            if _OURS.fullmatch(old.name) and old.name != data:
                shutil.rmtree(old)
    except OSError as error:
        raise file_fault(error, folder) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def load_bundle(folder: Path) -> Classifier:
    """Read a bundle. Where a link on the way to it changes meanwhile, what it leads to then is read.

    Raises:
        BundleError: it is incomplete, changed, or of a newer version; the message names the file.
        MissingPartError: its encoder is not installed.
    """
    while True:
        # Resolved once: of a run that is finished anew, never parts of the old edition and of the new one.
        place = folder.resolve()
        try:
            return _load(place)
        except (BundleError, OSError, RuntimeError):  # the last is FAISS's, for a file that is gone
            if folder.resolve() == place:
                raise


def read_metrics(folder: Path) -> dict[str, Any]:
    """What is known of the quality of a saved classifier, without loading it.

    Raises:
        BundleError: it is incomplete or of a newer version.
    """
    place = folder.resolve()
    data, _ = _listed(_read_manifest(place), place)
    return dict(_read_json(place / data / "classifier.json").get("metrics", {}))


def _load(folder: Path) -> Classifier:
    manifest = _read_manifest(folder)
    data, files = _listed(manifest, folder)
    for name, facts in files.items():
        _verify(folder, data, name, facts)
    if "classifier.json" not in files:
        raise _damaged(folder / MANIFEST, "it does not list classifier.json")
    described = _read_json(folder / data / "classifier.json")
    try:
        return Classifier(
            labels=tuple(Label(**label) for label in described["labels"]),
            gate=Gate.load(folder / data),
            calibration=Calibration.from_dict(described["calibration"]),
            multi=_load_multi(folder / data) if _MULTI in files else None,
            agreement=Agreement.load(folder / data / _AGREEMENT) if _AGREEMENT in files else None,
            learned_undefined=bool(described["learned_undefined"]),
            least_confidence=float(described["least_confidence"]),
            use_case=str(described["use_case"]),
            corpus=str(described["corpus"]),
            labelled_by=str(described["labelled_by"]),
            learned_from=described.get("learned_from", {}),
            metrics=described["metrics"],
            representation=Representation.load(str(manifest["features"]), folder / data),
            head=load_head(str(manifest["head"]), folder / data),
            index=EmbeddingIndex.load(folder / data / _INDEX) if _INDEX in files else None,
        )
    except (KeyError, TypeError) as error:
        raise _damaged(folder / MANIFEST, f"an entry is missing or of the wrong kind: {error}") from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    manifest = _read_json(folder / MANIFEST)
    written_by = manifest.get("format")
    if written_by != FORMAT:
        raise BundleError(
            f"{folder / MANIFEST} has format {written_by!r}, this tnt ({__version__}) reads {FORMAT}: load it with "
            f"the tnt that wrote it ({manifest.get('tnt')}), or train it again"
        )
    return manifest


def _listed(manifest: Mapping[str, Any], folder: Path) -> tuple[str, Mapping[str, Any]]:
    """Name of the data folder, and what is said of each file in it."""
    data, files = manifest.get("data"), manifest.get("files")
    if not isinstance(data, str) or not _DATA.fullmatch(data) or not isinstance(files, Mapping):
        raise _damaged(folder / MANIFEST, "its entries make no sense")
    return data, files


def _write_data(classifier: Classifier, folder: Path) -> dict[str, dict[str, Any]]:
    """Write and sync all files but the manifest; what the manifest says of them, by name in order."""
    described = {
        "labels": [asdict(label) for label in classifier.labels],
        "calibration": classifier.calibration.as_dict(),
        "learned_undefined": classifier.learned_undefined,
        "least_confidence": classifier.least_confidence,
        "use_case": classifier.use_case,
        "corpus": classifier.corpus,
        "labelled_by": classifier.labelled_by,
        "learned_from": dict(classifier.learned_from),
        "metrics": dict(classifier.metrics),
    }
    text = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    (folder / "classifier.json").write_text(text, encoding="utf-8")
    (folder / CARD).write_text(model_card(classifier), encoding="utf-8")
    classifier.gate.save(folder)
    if classifier.agreement is not None:
        classifier.agreement.save(folder / _AGREEMENT)
    if classifier.multi is not None:
        classifier.multi.save(folder)
    if classifier.index is not None:
        classifier.index.save(folder / _INDEX)
    classifier.head.save(folder)
    classifier.representation.save(folder)
    files = {}
    for file in sorted(folder.iterdir()):
        _sync(file)
        files[file.name] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
    _sync(folder)
    return files


def _load_multi(folder: Path) -> "OneVsRest":
    from .multilabel import OneVsRest

    return OneVsRest.load(folder)


def _intact(folder: Path, data: str, files: Mapping[str, Any]) -> bool:
    try:
        for name, facts in files.items():
            _verify(folder, data, name, facts)
    except BundleError:
        return False
    return True


def _verify(folder: Path, data: str, name: Any, facts: Any) -> None:
    # Names come from a file that anybody can write: nothing outside of the data folder is ever opened.
    if not isinstance(name, str) or not _FILE.fullmatch(name) or not isinstance(facts, Mapping):
        raise _damaged(folder / MANIFEST, f"it lists the impossible file {name!r}")
    file = folder / data / name
    if not file.is_file():
        raise _damaged(file, "it is missing")
    if file.stat().st_size != facts.get("bytes") or _sha256(file) != facts.get("sha256"):
        raise _damaged(file, "its content is not what the manifest says")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(
            f"there is no classifier in {path.parent}: {path.name} is missing. The run has not "
            "written it yet, or was stopped while it did: `tnt resume` finishes it"
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise _damaged(path, "it holds no JSON object")
    return found


def _damaged(file: Path, what: str) -> BundleError:
    return BundleError(
        f"the classifier's file {file} is damaged: {what}. Train it again, or copy the folder again"
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
