"""The graph and the run: what a user of the package works with."""
