"""What the classifier must hold, one module a bar: ``python -m benchmarks classifier [NAME ...]``.

A module has ``measure(options: Options) -> list[Row]`` (see `results`): one row for each bar that it holds something
against, whether it is met, and what else was measured. `measure` runs them and prints one table.
"""
