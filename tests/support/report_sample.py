"""A realistic `ReportData`: the example corpus as a run might have labelled it, with real edits."""

import csv
from datetime import UTC, datetime
from pathlib import Path

from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy.edits import Add, Merge, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.report_data import (
    Example,
    FailureItem,
    LoopPoint,
    ReportData,
    SuspectItem,
)
from tnt_llm.tools.train_classifier import ClassMetrics, Metrics

EXAMPLES = Path(__file__).parents[2] / "examples"

_TOPICS = {
    "Lost or damaged baggage": "Luggage that did not arrive, arrived late, or came back broken.",
    "Delays and cancellations": "Late, cancelled or moved flights, with rebooking and compensation.",
    "Account login": "Trouble signing in: passwords, codes, locked or duplicate profiles.",
    "Payments and invoices": "Charges, declined cards, vouchers, receipts and corrected invoices.",
    "Seats": "Choosing, changing and upgrading seats, and sitting together.",
    "Travelling with pets": "Cats, dogs and other animals, their carriers and papers.",
    "Meals and food on board": "Special diets, preordered meals and the quality of what is served.",
    "Loyalty points": "Collecting, missing and redeeming miles, and membership tiers.",
    "Wheelchair and special assistance": "Help for passengers who are disabled, ill, pregnant or frail.",
    "Name and passport corrections": "Misspelled names, new passports and other details to be put right.",
}


def history() -> list[Version]:
    """Six versions: seeds, growth with refusals, a batch without news, a polish, and a person's word."""

    def add(*names: str) -> list[Add]:
        return [Add(name=name, description=_TOPICS.get(name, f"Messages about {name}.")) for name in names]

    first = Version.first()
    seeded = first.then(
        add("Lost or damaged baggage", "Delays", "Payments and invoices", "Food", "Accounts and points"),
        author=Author.MODEL,
        cap=10,
        note="first minibatch",
    )
    grown = seeded.then(
        [
            *add("Seats", "Travelling with pets", "Special meals", "Miscellaneous"),
            Merge(
                ids=("Food", "Special meals"),
                name="Meals and food on board",
                description=_TOPICS["Meals and food on board"],
            ),
        ],
        author=Author.MODEL,
        cap=10,
        note="minibatch 2",
    )
    unchanged = grown.then([], author=Author.MODEL, note="minibatch 3")
    split = unchanged.then(
        [
            Split(
                id="Accounts and points",
                parts=(
                    Part(name="Account login", description=_TOPICS["Account login"]),
                    Part(name="Loyalty points", description=_TOPICS["Loyalty points"]),
                ),
            ),
            *add("Wheelchair and special assistance", "Name and passport corrections", "Cabin crew"),
            *add("Airport parking"),
        ],
        author=Author.MODEL,
        cap=10,
        note="minibatch 4",
    )
    polished = split.then(
        [
            Redefine(
                id="Delays",
                name="Delays and cancellations",
                description=_TOPICS["Delays and cancellations"],
            )
        ],
        author=Author.REVIEWER,
        cap=10,
    )
    steered = polished.then(
        [
            Redefine(id="Account login", description=_TOPICS["Account login"][:-1] + ", and data deletion."),
            Remove(id="Cabin crew"),
        ],
        author=Author.HUMAN,
        note="deletion requests go to the account team",
    )
    return [first, seeded, grown, unchanged, split, polished, steered]


def sample_report() -> ReportData:
    """The whole of it; reads `examples/`."""
    with (EXAMPLES / "messages.csv").open(encoding="utf-8", newline="") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    with (EXAMPLES / "messages_gold.csv").open(encoding="utf-8", newline="") as file:
        gold = {row["id"]: row["topic"] for row in csv.DictReader(file)}
    versions = history()
    taxonomy = versions[-1].taxonomy
    by_name = {category.name: category.id for category in taxonomy}
    counts: dict[str | None, int] = {}
    examples: dict[str | None, list[Example]] = {}
    for row, topic in gold.items():
        key = by_name.get(topic)
        counts[key] = counts.get(key, 0) + 1
        examples.setdefault(key, []).append(Example(row, texts[row]))
    return ReportData(
        use_case="Understand what passengers contact the airline about, so that each message reaches the "
        "right support team",
        run="main",
        source="messages.csv",
        model="embedded",
        model_reason="no model was named and OPENAI_API_KEY is not set",
        encoder="minilm",
        started=datetime(2026, 11, 22, 9, 30, 12, tzinfo=UTC),
        finished=datetime(2026, 11, 22, 9, 36, 58, tzinfo=UTC),
        documents=240,
        distinct=240,
        by_source={"llm": 120, "student": 120},
        taxonomy=taxonomy,
        counts=counts,
        examples=examples,
        versions=versions,
        loop=[
            LoopPoint(trial, batch // 4, categories - trial, residual + 0.04 * trial, score - 0.03 * trial)
            for trial in range(3)
            for batch, (categories, residual, score) in enumerate(
                [
                    (5, 0.61, 0.12),
                    (7, 0.44, 0.19),
                    (7, 0.41, 0.18),
                    (11, 0.22, 0.27),
                    (11, 0.20, 0.28),
                    (11, 0.19, 0.28),
                    (10, 0.16, 0.31),
                ]
            )
        ],
        chosen_trial=0,
        classifier=Metrics(
            n=120,
            folds=5,
            accuracy=0.883,
            macro_f1=0.874,
            majority=0.117,
            undefined_share=0.1,
            classes=tuple(
                ClassMetrics(by_name.get(name), name, 14 - i % 4, 14 - i % 3, 0.97 - i / 40, 0.98 - i / 30)
                for i, name in enumerate([*_TOPICS, "undefined"])
            ),
        ),
        suspects=[
            SuspectItem(
                "m019",
                "The charge on my card is wrong",
                "Account login",
                "changed",
                "Payments and invoices",
                "Payments and invoices",
                "Payments and invoices",
                "It asks about a charge.",
            ),
            SuspectItem("m023", "Hello?", "undefined", "dropped", "Seats", "undefined"),
        ],
        usage={
            "summarizer": Usage(240, 48_210, 36_000, 1_140, 96.2),
            "taxonomy_updater": Usage(31, 14_820, 6_200, 610, 88.0),
            "reviewer": Usage(4, 3_904, 900, 122, 17.5),
            "labeler": Usage(188, 92_300, 81_000, 188, 94.1),
        },
        failures=[
            FailureItem("labeler", "m017", "the answer names no category that exists", '{"category": 99}'),
            FailureItem("taxonomy_updater", "", "the answer is not JSON", "Sure! Here is the <b>table</b>:"),
        ],
        failure_count=2,
        settings={
            "max_categories": 10,
            "sample": None,
            "label_sample": 120,
            "minibatch": 60,
            "update": "residual",
            "labels": "fast",
            "auto": True,
            "seed": 0,
        },
        notes=["2 texts are longer than 1000 words: the LLM saw a summary of their beginning."],
        tnt_version="0.1.0",
    )
