"""``python -m benchmarks NAME [options]``."""

import sys

from benchmarks import corpora, cost, demo

BENCHMARKS = {"corpora": corpora.main, "cost": cost.main, "demo": demo.main}


def main() -> None:
    """Run the benchmark that is named."""
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        sys.exit(f"usage: python -m benchmarks {{{','.join(BENCHMARKS)}}} --help")
    BENCHMARKS[sys.argv[1]](sys.argv[2:])


main()
