"""``python -m benchmarks NAME [options]``."""

import sys
from importlib import import_module

BENCHMARKS = {
    "classifier": "benchmarks.classifier.measure",
    "corpora": "benchmarks.corpora",
    "cost": "benchmarks.cost",
    "demo": "benchmarks.demo",
    "labels": "benchmarks.labels",
    "steering": "benchmarks.steering.measure",
}


def main() -> None:
    """Run the benchmark that is named."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        sys.exit(f"usage: python -m benchmarks {{{','.join(BENCHMARKS)}}} --help")
    import_module(BENCHMARKS[sys.argv[1]]).main(sys.argv[2:])


main()
