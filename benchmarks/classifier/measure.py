"""The classifier against its bars.

    python -m benchmarks classifier                       what there is
    python -m benchmarks classifier gold index --out DIR  these
    python -m benchmarks classifier all --out DIR         all, the long ones last

Each prints what it measures, writes NAME.json into --out, and ends in one table: what must hold, what was measured.
Vectors and workspaces are kept in --out: a second call is quick. With --quick it only sees that everything runs.
"""

import argparse
import time
from importlib import import_module
from pathlib import Path

from benchmarks.classifier.results import Options, Row, Skipped, table, write

BENCHMARKS = {
    "index": "exact FAISS search on 100,000 vectors: queries a second, and by value",
    "bundle": "how long a saved classifier takes to load, without torch",
    "multilabel": "NLU++ gold: micro-F1 against scikit-learn's one-vs-rest logistic regression",
    "gold": "BANKING77 gold: accuracy of what cross-validation chooses",
    "calibration": "expected calibration error on texts that were held out",
    "agreement": "how often the promised agreement is broken, over 200 resplits",
    "retrain": "retraining after a merge on 50,000 labelled texts",
    "encoders": "minilm against SentenceTransformer.encode at its defaults; the other encoders' speed",
    "streaming": "tnt classify from file to file on 1,000,000 texts: speed, memory, overhead",
    "teacher": "the student against the LLM that taught it, judged by gold; with cleaning and without",
    "monitor": "a topic that was withheld: what monitor flags, and whether update proposes it",
}
"""By name; the quick ones first."""
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def main(arguments: list[str]) -> None:
    """Run the benchmarks that are named."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks classifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, "all", []], metavar="NAME")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the corpora")
    parser.add_argument("--out", type=Path, default=Path("bench") / "classifier")
    parser.add_argument("--quick", action="store_true", help="see that it runs; the figures mean nothing")
    options = parser.parse_args(arguments)
    if not options.names:
        print("\n".join(f"{name:12} {about}" for name, about in BENCHMARKS.items()))
        return
    names = list(BENCHMARKS) if "all" in options.names else options.names
    print(table(run(names, Options(options.data, options.out, options.quick))))


def run(names: list[str], options: Options) -> list[Row]:
    """All rows of the named benchmarks; one that cannot be measured says why."""
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in names:
        began = time.monotonic()
        try:
            found = import_module(f"benchmarks.classifier.{name}").measure(options)
        except Skipped as reason:
            found = [Row(name, "", f"skipped: {reason}")]
        write(options.out / f"{name}.json", found)
        print(f"{table(found)}\n({name}: {time.monotonic() - began:.0f} s)\n", flush=True)
        rows += found
    return rows
