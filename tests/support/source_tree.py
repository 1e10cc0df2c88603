"""The source files of the package, as they lie in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "taxonomy",
    "prompts",
    "llm",
    "checkpoints",
    "classifiers",
    "tools",
    "nodes",
    "graph",
    "cli",
)


def modules() -> dict[str, Path]:
    """Dotted name within the package -> file: ``graph.run``, ``graph`` (its __init__), ``""`` (the root)."""
    found = {"": ROOT / "__init__.py", "__main__": ROOT / "__main__.py"}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found
