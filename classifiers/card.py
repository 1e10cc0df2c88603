"""The model card of a classifier: what it is, what it learned from, what it is worth, how to use it. Markdown."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .classifier import Classifier

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:@])")
_SPACE = re.compile(r"\s+")
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff]")
_LONGEST = 500


def model_card(classifier: "Classifier") -> str:
    """The card. Equal classifiers have equal cards: it holds no date.

    What people and models wrote (use case, names, descriptions) stands in it as plain text, whatever is in it.
    """
    metrics = classifier.metrics
    return (
        "\n\n".join(
            part
            for part in (
                f"# Classifier: {_plain(classifier.use_case) or 'texts'}",
                _summary(classifier),
                "## Categories",
                _categories(classifier, metrics),
                "## What it learned from",
                _data(classifier, metrics),
                "## How good it is",
                _quality(metrics),
                _candidates(metrics),
                "## Confidence and abstaining",
                _confidence(classifier, metrics),
                "## Limits",
                _LIMITS,
                "## How to use it",
                _USE,
            )
            if part
        )
        + "\n"
    )


_LIMITS = """\
- Its labels imitate those of the LLM that labelled its training texts. The figures above say how often it repeats them
  on texts that it had not seen, not how often they are right.
- It knows texts like its training texts: the same language, the same kind, the same time. `tnt monitor` says when new
  texts differ from them.
- A text that is unlike all of them is given no category (`undefined`), and so is a blank one.
- Names and descriptions of the categories were written by a model, unless a person changed them."""

_USE = """\
```sh
tnt classify TEXTS.csv -c FOLDER -o LABELS.csv
tnt classify TEXTS.csv -c FOLDER -o LABELS.csv --agreement 0.9
```

```python
from tnt_llm import Classifier

classifier = Classifier.load("FOLDER")
classifier.predict(["a text"])[0].primary
classifier.with_agreement(0.9).predict(["a text"])[0].abstained
```

`FOLDER` is the folder with `manifest.json`. Nothing in it is a pickle; every file is checked against its hash when it
is loaded."""


def _summary(classifier: "Classifier") -> str:
    undefined = ", or `undefined`" if classifier.learned_undefined else ""
    text = (
        f"It gives a text one of {len(classifier.labels)} categories{undefined}, all that apply beside it, and a "
        f"confidence. Features: `{_code(classifier.representation.id)}`; head: `{classifier.head.kind}`."
    )
    warnings = [f"> {_plain(warning)}" for warning in classifier.metrics.get("warnings", ())]
    return "\n\n".join([text, *warnings])


def _categories(classifier: "Classifier", metrics: Mapping[str, Any]) -> str:
    if not classifier.labels:
        return "None: every text is `undefined`."
    measured = {row["id"]: row for row in metrics.get("classes", ())}
    parents = any(label.parent for label in classifier.labels)
    head = ["category", *(["part of"] if parents else []), "description", "labelled texts", "F1"]

    def rows() -> Iterator[list[str]]:
        for label in classifier.labels:
            row = measured.get(label.id)
            yield [
                _plain(label.name),
                *([_plain(label.parent or "")] if parents else []),
                _plain(label.description),
                str(row["support"]) if row else "",
                f"{row['f1']:.2f}" if row else "",
            ]
        if None in measured:
            row = measured[None]
            about = ["", "fits no category"] if parents else ["fits no category"]
            yield ["*undefined*", *about, str(row["support"]), f"{row['f1']:.2f}"]

    return _table(head, rows())


def _data(classifier: "Classifier", metrics: Mapping[str, Any]) -> str:
    if "n" not in metrics:
        return "Nothing is on record."
    source = f" of {_plain(classifier.corpus)}" if classifier.corpus else ""
    by = f" by {_plain(classifier.labelled_by)}" if classifier.labelled_by else ""
    text = (
        f"{metrics['n']:,} texts{source}, labelled{by}; {metrics['undefined_share']:.0%} of the labels are "
        f"`undefined`, the most frequent one has {metrics['majority']:.0%}."
    )
    if metrics.get("several_labels"):
        text += f" {metrics['several_labels']:.0%} of the texts bear more than one label."
    return text


def _quality(metrics: Mapping[str, Any]) -> str:
    if metrics.get("accuracy") is None:
        return "Too few texts were labelled to measure it."
    how = (
        f"{metrics['folds']}-fold cross-validation on {metrics['n']:,} texts"
        if metrics["folds"] > 1
        else f"{metrics.get('measured_on') or 0:,} texts held out"
    )
    text = (
        f"In {how} it gave the same label to {metrics['accuracy']:.1%} of the texts (always saying the most frequent "
        f"one: {metrics['majority']:.1%}); macro-F1 {metrics['macro_f1']:.3f}."
    )
    if metrics.get("calibration_error") is not None:
        text += f" Its confidence is off by {metrics['calibration_error']:.3f} on average (expected calibration error)."
    return text


def _candidates(metrics: Mapping[str, Any]) -> str:
    tried = metrics.get("candidates", ())
    if len(tried) < 2:
        return ""
    lead = "What was tried, the fastest first; texts a second were measured where it was trained, by one process:"
    rows = (
        [
            f"`{_code(row['features'])}`/`{row['head']}`" + (" (chosen)" if row["chosen"] else ""),
            "" if row["macro_f1"] is None else f"{row['macro_f1']:.3f}",
            "" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
            "" if row["docs_per_second"] is None else f"{row['docs_per_second']:,.0f}",
            _plain(row["note"]),
        ]
        for row in tried
    )
    return f"{lead}\n\n{_table(['configuration', 'macro-F1', 'same label', 'texts/s', 'note'], rows)}"


def _confidence(classifier: "Classifier", metrics: Mapping[str, Any]) -> str:
    if classifier.agreement is None:
        return "Too little was measured to promise anything about single labels."
    text = (
        "The confidence is calibrated on held-out predictions. With `--agreement LEVEL` it gives a category only where "
        f"it can promise to agree with the LLM so often; the evidence is {len(classifier.agreement):,} predictions."
    )
    rows = []
    for level in (0.8, 0.9, 0.95):
        threshold = classifier.agreement.threshold(level)
        if threshold is None:
            rows.append([f"{level:.0%}", "cannot be promised", "0%"])
        else:
            covered = classifier.agreement.coverage(threshold)
            rows.append([f"{level:.0%}", f"{threshold:.3f}", f"{covered:.0%}"])
    found = (
        f"{text}\n\n{_table(['agreement', 'least confidence', 'texts that keep their category'], iter(rows))}"
    )
    promise = metrics.get("promise")
    if promise:
        least = promise["least_confidence"]
        said = (
            "nothing can promise it: every text is `undefined`"
            if least is None
            else f"below {least:.3f} it abstains"
        )
        found += f"\n\nIt is set to {promise['level']:.0%}: {said}."
    return found


def _table(head: list[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else, on one line."""
    flat = _SPACE.sub(" ", _HIDDEN.sub(" ", text)).strip()
    cut = flat if len(flat) <= _LONGEST else flat[:_LONGEST].rstrip() + " ..."
    marked = _MARKS.sub(r"\\\1", cut)
    return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Text for between backticks."""
    return _SPACE.sub(" ", _HIDDEN.sub(" ", text)).replace("`", "'").replace("|", "/")
