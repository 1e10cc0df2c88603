"""Benchmarks: `python -m benchmarks NAME`. They measure; the tests judge."""
