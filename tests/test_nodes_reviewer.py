"""The reviewer ends."""

from pathlib import Path

import pytest
from node_bench import bench
from tnt_llm.nodes import residual, reviewer
from tnt_llm.taxonomy.edits import Add, Edit, Merge
from tnt_llm.taxonomy.version import Author, Version

TEXTS = [f"my {topic} number {number}" for topic in ("cat", "dog") for number in range(12)]


def test_a_review_whose_proposals_are_refused_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def stubborn(*_: object, **__: object) -> list[Edit]:
        asked.append(1)
        assert len(asked) < 10, "it goes on for ever"
        return [Merge(ids=("Cats", "Unicorns"))]

    monkeypatch.setattr(residual, "pair_edits", stubborn)
    finalist = Version.first().then([Add(name="Cats", description="About cats.")], author=Author.MODEL)
    with bench(tmp_path, TEXTS) as (context, _):
        edits = reviewer._edits(context, finalist, 0)
    assert len(asked) == 1
    assert edits == [Merge(ids=("Cats", "Unicorns"))]
