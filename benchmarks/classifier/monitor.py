"""A topic that was withheld: what `tnt monitor` flags of it; and, asked for, whether `tnt update` proposes it.

BANKING77 with gold labels: a theme of several intents, or one intent, is withheld from training. The test split comes
in as new texts, the withheld topic among them. The bar: at least 80 % of its texts flagged, at most 5 % of the others.
The groups here are others than those that the method was chosen on (`top_up`, `identity`, `exchange`, `pin` and ten
single intents). Beside it stands the nearest-neighbour gate that labels texts `undefined`, at the same rate.

    python -m benchmarks classifier monitor --out DIR
    python -m benchmarks.classifier.monitor --out DIR --llm embedded      tnt update too, on one theme
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.folds import deal_folds
from tnt_llm.classifiers.heads.head import make_head
from tnt_llm.classifiers.index import EmbeddingIndex
from tnt_llm.classifiers.novelty import RATE, Reference
from tnt_llm.classifiers.predictions import Label

from benchmarks.classifier.encoded import representation
from benchmarks.classifier.gold_data import Gold, banking77
from benchmarks.classifier.measure import DATA
from benchmarks.classifier.results import Options, Row, table

ENCODERS = ("minilm", "static+tfidf")
FOLDS = 5
THEMES: dict[str, Callable[[str], bool]] = {
    "delivery": lambda name: (
        name
        in {
            "card_arrival",
            "card_delivery_estimate",
            "getting_spare_card",
            "order_physical_card",
            "get_physical_card",
        }
    ),
    "transfer": lambda name: "transfer" in name and "top_up" not in name and "balance" not in name,
    "virtual": lambda name: "virtual_card" in name or name == "disposable_card_limits",
    "cash": lambda name: (
        "cash_withdrawal" in name
        or name in {"wrong_amount_of_cash_received", "atm_support", "card_swallowed"}
    ),
    "lost": lambda name: name.startswith("lost_or_stolen") or name == "compromised_card",
    "card_*": lambda name: name.startswith("card_"),
}
SINGLE = (
    "card_payment_not_recognised",
    "contactless_not_working",
    "card_about_to_expire",
    "exchange_charge",
    "card_delivery_estimate",
    "edit_personal_details",
    "request_refund",
    "transfer_into_account",
    "receiving_money",
    "balance_not_updated_after_bank_transfer",
    "direct_debit_payment_not_recognised",
    "pending_card_payment",
    "declined_transfer",
    "transfer_fee_charged",
    "top_up_reverted",
    "apple_pay_or_google_pay",
    "country_support",
    "activate_my_card",
    "automatic_top_up",
    "getting_spare_card",
)


def measure(options: Options) -> list[Row]:
    """Every theme and every single intent, withheld one after the other, with both kinds of features."""
    gold = banking77(options)
    themes = {
        name: [intent for intent in sorted(set(gold.labels)) if inside(str(intent))]
        for name, inside in THEMES.items()
    }
    singles = {name: [name] for name in SINGLE}
    if options.quick:
        themes, singles = dict(list(themes.items())[:1]), dict(list(singles.items())[:1])
    rows = []
    for spec in ENCODERS[:1] if options.quick else ENCODERS:
        for what, groups in (("themes", themes), ("single intents", singles)):
            found = {name: withheld(options, gold, spec, intents) for name, intents in groups.items()}
            hits, alarms, gate = (
                np.array([each[key] for each in found.values()]) for key in ("hits", "alarms", "gate")
            )
            rows.append(
                Row(
                    f"{len(groups)} {what} withheld, one at a time, {spec}",
                    ">= 80 % flagged at <= 5 % false alarms",
                    f"{hits.mean():.1%} (least {hits.min():.0%}) at {alarms.mean():.1%}; gate {gate.mean():.1%}",
                    bool(hits.mean() >= 0.8 and alarms.mean() <= RATE),
                    {"groups": found},
                )
            )
    return rows


def withheld(options: Options, gold: Gold, spec: str, intents: Sequence[str | None]) -> dict[str, float]:
    """Shares of the withheld topic's and of the other test texts that are flagged; what the gate flags of the topic."""
    names = [label for label in sorted(set(gold.labels), key=str) if label not in intents]
    column = {name: row for row, name in enumerate(names)}
    rows = [row for row, label in enumerate(gold.labels) if label in column]
    texts = [gold.texts[row] for row in rows]
    classes = np.array([column[gold.labels[row]] for row in rows])
    fitted = representation(spec, options).fit(texts)
    known, new = fitted.encode(texts), fitted.encode(gold.test_texts)
    found = np.empty(len(rows), dtype=np.int64)
    fold = deal_folds(classes, FOLDS, 0)
    for held in range(FOLDS):
        head = make_head("linear", len(names)).fit(known.take(fold != held), classes[fold != held])
        found[fold == held] = head.predict_proba(known.take(fold == held)).argmax(axis=1)
    head = make_head("linear", len(names)).fit(known, classes)
    classifier = Classifier(tuple(Label(str(name), str(name), "") for name in names), fitted, head, None)
    novelty = Reference(known, found, np.ones(len(rows), dtype=np.int64)).score(
        new, classifier.head.predict_proba(new).argmax(axis=1)
    )
    flagged = novelty > 1 - RATE
    strange = np.array([label in intents for label in gold.test_labels])
    similarity = EmbeddingIndex.build(known.dense).search(known.dense, 2)[0][:, 1]
    far = EmbeddingIndex.build(known.dense).search(new.dense, 1)[0][:, 0] < np.quantile(similarity, RATE)
    return {
        "hits": float(flagged[strange].mean()),
        "alarms": float(flagged[~strange].mean()),
        "gate": float(far[strange].mean()),
        "gate_alarms": float(far[~strange].mean()),
        "texts": int(strange.sum()),
    }


def update(options: Options, llm: str, theme: str = "virtual", old: int = 600, new: int = 300) -> list[Row]:
    """A run on texts without a theme, updated with texts of all: does it propose a category for the theme?"""
    from tnt_llm import Run

    gold = banking77(options, shuffle=1)
    strange = THEMES[theme]
    known = [text for text, label in zip(gold.texts, gold.labels, strict=True) if not strange(str(label))][
        :old
    ]
    incoming, labels = gold.test_texts[:new], gold.test_labels[:new]
    more = [
        text
        for text, label in zip(gold.test_texts[new:], gold.test_labels[new:], strict=True)
        if strange(str(label))
    ]
    incoming, labels = [*incoming, *more[: new // 10]], [*labels, *([theme] * len(more[: new // 10]))]
    workspace = options.out / f"update-{theme}"
    run = Run.start(
        known,
        use_case="find out why customers contact their online bank",
        workspace=workspace,
        llm=llm,
        auto=True,
        max_categories=40,
    )
    updated = run.update(incoming, auto=True)
    added = {category.id for category in updated.diff(str(run.state["version"])).added}
    table_ = updated.labels.to_pydict()["primary_id"][len(known) :]
    inside = [label == theme or strange(str(label)) for label in labels]
    of_topic = [category for category, is_inside in zip(table_, inside, strict=True) if is_inside]
    hits = sum(category in added for category in of_topic)
    others = sum(category in added for category in table_) - hits
    return [
        Row(
            f"update, {theme} withheld, {len(known)} + {len(incoming)} texts, {llm}",
            "a category is proposed for it",
            f"{len(added)} added; {hits} of its {len(of_topic)} texts in them, and {others} others",
            2 * hits >= len(of_topic) and others <= hits,
            {"added": [updated.taxonomy[category].name for category in added]},
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("bench") / "classifier")
    parser.add_argument("--llm", required=True)
    parser.add_argument("--theme", choices=sorted(THEMES), default="virtual")
    given = parser.parse_args()
    print(table(update(Options(given.data, given.out), given.llm, given.theme)))
