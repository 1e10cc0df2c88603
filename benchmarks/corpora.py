"""Real corpora with gold labels: does a run find what people found?

    python -m benchmarks corpora --only banking77 --data DIR --out DIR

For each corpus: 300 rows, drawn with a fixed seed, written without their gold labels; a run with ``--auto`` on them;
then NMI of the run's primary labels (undefined counts as a label) against gold, next to minibatch k-means at the
run's own number of categories on the same vectors, mean of ten seeds. Workspaces stay in DIR, so that a second call
asks nothing again.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np
from tnt_llm import Run
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.classifiers.encoders import open_encoder
from tnt_llm.graph.run import list_runs
from tnt_llm.nodes.reading import Reading

ROWS = 300
CORPORA = {
    "banking77": ("intent", "find out why customers contact their online bank"),
    "it_tickets": ("topic", "route helpdesk tickets to the team that handles them"),
    "arxiv_abstracts": ("archive", "sort research papers by field of science"),
    "bills": ("topic", "sort bills of the US Congress by policy area"),
}


def draw(data: Path, name: str, folder: Path) -> tuple[Path, list[str], list[str]]:
    """Write the texts of 300 rows; returns (file, texts, gold labels)."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = sorted(np.random.default_rng(1).choice(len(rows), ROWS, replace=False))
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([rows[row]["id"], rows[row]["text"]] for row in chosen)
    gold = CORPORA[name][0]
    return path, [rows[row]["text"] for row in chosen], [rows[row][gold] for row in chosen]


def measure(
    data: Path, name: str, out: Path, *, llm: str, run_name: str, **settings: object
) -> dict[str, object]:
    """Run on one corpus and compare with gold."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.metrics import normalized_mutual_info_score as nmi

    path, texts, gold = draw(data, name, out)
    began = time.monotonic()
    workspace = out / name
    known = [row.name for row in list_runs(workspace)] if workspace.exists() else []
    if run_name in known:
        run = Run.open(workspace, run_name).resume()
    else:
        run = Run.start(
            path,
            use_case=CORPORA[name][1],
            workspace=workspace,
            name=run_name,
            llm=llm,
            auto=True,
            progress=lambda stage, done, total, usage: (
                print(name, stage, done, total, usage.tokens, flush=True) if done % 20 == 0 else None
            ),
            **settings,
        )
    minutes = (time.monotonic() - began) / 60
    table = run.labels.to_pydict()
    own = table["primary"]
    with Workspace.open(workspace) as tables:
        model_id = tables.database.execute("SELECT model FROM answers LIMIT 1")[0][0]
        reading = Reading(run.settings, tables, open_encoder(run.settings.encoder), model_id)
        vectors = reading.vectors(range(ROWS)) if len(reading.sample) == ROWS else None
    if vectors is None:
        vectors = open_encoder(run.settings.encoder).encode(texts)
    k = len(run.taxonomy.leaves)
    baseline = [
        nmi(gold, MiniBatchKMeans(k, n_init=10, random_state=seed).fit_predict(vectors)) for seed in range(10)
    ]
    defined = [row for row, label in enumerate(own) if label != "undefined"]
    rng = np.random.default_rng(0)
    members = {
        category.name: {
            "description": category.description,
            "count": own.count(category.name),
            "five": [
                texts[row][:160]
                for row in rng.permutation([row for row, label in enumerate(own) if label == category.name])[
                    :5
                ]
            ],
        }
        for category in run.taxonomy.leaves
    }
    return {
        "corpus": name,
        "categories": k,
        "gold": len(set(gold)),
        "nmi": round(float(nmi(gold, own)), 3),
        "nmi_defined": round(float(nmi([gold[row] for row in defined], [own[row] for row in defined])), 3),
        "kmeans_nmi": round(float(np.mean(baseline)), 3),
        "undefined": own.count("undefined"),
        "minutes": round(minutes, 1),
        "usage": {
            stage: [usage.calls, usage.prompt_tokens, usage.completion_tokens]
            for stage, usage in run.usage.items()
        },
        "members": members,
    }


def main(arguments: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks corpora", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=CORPORA, action="append")
    parser.add_argument("--llm", default="embedded")
    parser.add_argument("--name", default="main")
    parser.add_argument("--label-sample", type=int, default=120)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or CORPORA:
        outcome = measure(
            options.data,
            name,
            options.out,
            llm=options.llm,
            run_name=options.name,
            label_sample=options.label_sample,
        )
        (options.out / f"{name}.{options.name}.json").write_text(
            json.dumps(outcome, indent=2), encoding="utf-8"
        )
        print(json.dumps({key: outcome[key] for key in outcome if key != "members"}), flush=True)
        for category, about in outcome["members"].items():  # type: ignore[attr-defined]
            print(f"  {category} ({about['count']}): {about['description']}")
            for text in about["five"]:
                print(f"      - {text}")
