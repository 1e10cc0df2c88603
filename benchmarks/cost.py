"""What the two update styles and the two label styles cost, on the same 300 short texts.

    python -m benchmarks cost --data DIR --out DIR

Four runs in one workspace, so that they share the phrases: `residual` and `paper` updates at equal minibatches, each
labelled `fast`; and `residual` labelled `explain`. Printed: prompt and completion tokens of updates, review and
selection; completion tokens of the labels; tokens per document of both; NMI of each against gold.
"""

import argparse
import json
from pathlib import Path

from benchmarks.corpora import measure

MINIBATCH = 100
VARIANTS = {
    "residual": {"update": "residual", "labels": "fast"},
    "paper": {"update": "paper", "labels": "fast"},
    "explain": {"update": "residual", "labels": "explain"},
}
LOOP = ("update", "review", "select")


def main(arguments: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks cost", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--llm", default="embedded")
    parser.add_argument("--corpus", default="banking77")
    parser.add_argument("--label-sample", type=int, default=120)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for variant, settings in VARIANTS.items():
        outcome = measure(
            options.data,
            options.corpus,
            options.out,
            llm=options.llm,
            run_name=variant,
            label_sample=options.label_sample,
            minibatch=MINIBATCH,
            **settings,
        )
        usage = outcome["usage"]
        loop = [usage[stage] for stage in LOOP if stage in usage]
        label = usage.get("label", [0, 0, 0])
        rows.append(
            {
                "variant": variant,
                "categories": outcome["categories"],
                "nmi": outcome["nmi"],
                "kmeans_nmi": outcome["kmeans_nmi"],
                "loop_prompt_tokens": sum(stage[1] for stage in loop),
                "loop_completion_tokens": sum(stage[2] for stage in loop),
                "label_prompt_tokens_per_text": round(label[1] / options.label_sample, 1),
                "label_completion_tokens_per_text": round(label[2] / options.label_sample, 2),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    (options.out / "cost.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
