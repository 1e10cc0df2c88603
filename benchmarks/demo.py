"""What the demo found, held against the gold labels that no run reads.

make demo && python -m benchmarks demo --workspace demo
"""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
from tnt_llm import Run
from tnt_llm.classifiers.encoders import open_encoder

GOLD = Path(__file__).parent.parent / "examples" / "messages_gold.csv"
TEXTS = GOLD.with_name("messages.csv")


def main(arguments: list[str]) -> None:
    """Print figures, and every category with five random members."""
    from sklearn.metrics import normalized_mutual_info_score as nmi

    parser = argparse.ArgumentParser(prog="python -m benchmarks demo", description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--name", default="main")
    options = parser.parse_args(arguments)
    run = Run.open(options.workspace, options.name)
    labels = run.labels.to_pydict()
    with GOLD.open(encoding="utf-8", newline="") as file:
        topics = {row["id"]: row["topic"] for row in csv.DictReader(file)}
    with TEXTS.open(encoding="utf-8", newline="") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    gold, own = [topics[id_] for id_ in labels["id"]], labels["primary"]
    off = [label == "undefined" for label, topic in zip(own, gold, strict=True) if topic == "off-topic"]
    on = [label == "undefined" for label, topic in zip(own, gold, strict=True) if topic != "off-topic"]
    described = open_encoder(run.settings.encoder).encode([category.text for category in run.taxonomy])
    cosines = described @ described.T - 2 * np.eye(len(described))
    usage = list(run.usage.values())
    figures = {
        "categories": len(run.taxonomy),
        "greatest_cosine": round(float(cosines.max()), 3),
        "off_topic_undefined": round(float(np.mean(off)), 3),
        "others_undefined": round(float(np.mean(on)), 3),
        "nmi": round(float(nmi(gold, own)), 3),
        "prompt_tokens": sum(stage.prompt_tokens for stage in usage),
        "cached_tokens": sum(stage.cached_tokens for stage in usage),
        "completion_tokens": sum(stage.completion_tokens for stage in usage),
        "sources": dict(Counter(labels["source"])),
    }
    print(json.dumps(figures, indent=2))
    rng = np.random.default_rng(0)
    for category in run.taxonomy:
        members = [id_ for id_, label in zip(labels["id"], own, strict=True) if label == category.name]
        print(f"- **{category.name}** ({len(members)}): {category.description}")
        for id_ in rng.permutation(members)[:5]:
            print(f"  - {texts[id_]}")
