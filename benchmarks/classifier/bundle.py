"""How long a saved classifier takes to load, each time in a process of its own, and what it imports."""

import json
import subprocess
import sys
import time

import numpy as np
from tnt_llm.classifiers.classifier import Classifier

from benchmarks.classifier.gold_data import banking77
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import FAST, names, train

TIMES = 5
HEAVY = ("torch", "sentence_transformers", "sklearn", "lightgbm", "transformers", "langgraph")
CHILD = """
import json, sys, time
began = time.perf_counter()
from tnt_llm.classifiers.classifier import Classifier
classifier = Classifier.load(sys.argv[1])
loaded = time.perf_counter() - began
first = classifier.predict(["my card has not arrived"])[0]
ready = time.perf_counter() - began
print(json.dumps({"load": loaded, "first": ready, "label": first.primary, "modules": list(sys.modules)}))
"""


def measure(options: Options) -> list[Row]:
    """Save the fast configuration, and load it in fresh processes."""
    gold = banking77(options)
    folder = options.out / "bundle"
    classifier = train(options, gold.texts, gold.labels, *FAST)
    classifier.save(folder)
    children, walls = [], []
    for _ in range(TIMES):
        began = time.perf_counter()
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder)], capture_output=True, text=True, check=True
        )
        walls.append(time.perf_counter() - began)
        children.append(json.loads(child.stdout))
    load, wall = float(np.median([child["load"] for child in children])), float(np.median(walls))
    heavy = [name for name in HEAVY if name in children[0]["modules"]]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    same = names(Classifier.load(folder), gold.test_texts)[0] == names(classifier, gold.test_texts)[0]
    details = {
        "load_seconds": load,
        "process_seconds": wall,
        "all": [child["load"] for child in children],
        "imported": heavy,
        "bytes": size,
        "same_predictions": same,
    }
    return [
        Row(
            f"a {'/'.join(FAST)} bundle of {size / 1e6:.1f} MB loads, imports included, median of {TIMES}",
            "< 2 s, no torch",
            f"{load:.2f} s; the whole process with one prediction {wall:.2f} s; "
            f"imports {', '.join(heavy) or 'none'} of {', '.join(HEAVY)}",
            load < 2 and "torch" not in heavy,
            details,
        ),
        Row(
            "what was loaded predicts as what was saved",
            "the same",
            "the same" if same else "not the same",
            same,
        ),
    ]
