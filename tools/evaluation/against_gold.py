"""A run's labels against gold classes, each category meaning whatever it turns out to: partitions compared."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Bootstrap, Profiles, Weights, figures, tables
from .evaluation import Confusion, Section
from .gold import Classes
from .partition import SIGNED, matching, measure

UNDEFINED_NAME = "undefined"
CATCH_ALL_NAME = "catch-all"


def gold_sections(
    key: str,
    title: str,
    places: NDArray[np.int64],
    names: Sequence[str],
    classes: Classes,
    how: Bootstrap,
) -> list[Section]:
    """Labels against gold: all documents, and, where there are catch-all classes, once more without theirs.

    Args:
        key: of the section; the second gets `_without_catch_all` after it.
        title: for people.
        places: int64 [n], place of each document's category; -1 is undefined.
        names: of the k categories, used or not.
        classes: gold, of n documents.
        how: intervals are made.
    """
    both = [_section(key, title, places, names, classes, classes.known, how)]
    if classes.has_catch_all:
        left = classes.known & (classes.codes < len(classes.names))
        both.append(
            _section(
                f"{key}_without_catch_all",
                f"{title}, without {' and '.join(classes.catch_all)}",
                places,
                names,
                classes,
                left,
                how,
            )
        )
    return [section for section in both if section.figures]


def _section(
    key: str,
    title: str,
    places: NDArray[np.int64],
    names: Sequence[str],
    classes: Classes,
    rows: NDArray[np.bool_],
    how: Bootstrap,
) -> Section:
    g, k = len(classes.names), len(names)
    given = np.where(places < 0, k, places)
    profiles = Profiles.of(classes.codes[rows], given[rows])
    shape = (g + 1, k + 1)

    def tables_of(weights: Weights) -> NDArray[np.float64]:
        return tables(weights, profiles.column(0), profiles.column(1), shape)

    table = tables_of(profiles.counts[None, :].astype(np.float64))[0]
    there = int((table[:-1].sum(axis=1) > 0).sum())
    return Section(
        key=key,
        title=title,
        figures=figures(profiles, lambda weights: measure(tables_of(weights)), how, signed=SIGNED),
        facts={
            "documents": profiles.n,
            "categories": k,
            "gold_classes": there,
            "size_error": abs(math.log2(k / there)) if k and there else None,
        },
        confusion=_confusion(table, classes.names, names),
    )


def _confusion(table: NDArray[np.float64], classes: Sequence[str], names: Sequence[str]) -> Confusion:
    """Classes and categories, the matched ones first and in the same order; `undefined` and the catch-all last."""
    pairs = sorted(matching(table), key=lambda pair: -table[pair])
    rows = [row for row, _ in pairs] + sorted(set(range(len(classes))) - {row for row, _ in pairs})
    columns = [column for _, column in pairs]
    columns += sorted(set(range(len(names))) - set(columns))
    rows = [row for row in rows if table[row].any()]
    row_names = [classes[row] for row in rows]
    if table[-1].any():
        rows.append(len(classes))
        row_names.append(CATCH_ALL_NAME)
    columns.append(len(names))
    counts = table[np.ix_(rows, columns)].astype(int).tolist()
    return Confusion(
        tuple(row_names),
        (*(names[place] for place in columns[:-1]), UNDEFINED_NAME),
        tuple(map(tuple, counts)),
    )
