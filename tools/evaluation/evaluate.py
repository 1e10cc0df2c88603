"""Everything that can be measured without an LLM, put together."""

from collections.abc import Sequence

import numpy as np

from ...classifiers.features import Vectors
from .against_gold import gold_sections
from .bootstrap import Bootstrap
from .by_itself import taxonomy_section
from .evaluation import Evaluation, Section
from .gold import Gold
from .hierarchy import hierarchy_section
from .labelers import fidelity_section, labeler_sections
from .outcome import Outcome
from .people import people_sections
from .several import several_section
from .sheet import Sheet


def evaluate(
    outcome: Outcome,
    *,
    gold: Gold | None = None,
    sheets: Sequence[Sheet] = (),
    described: Vectors | None = None,
    how: Bootstrap | None = None,
    further: Sequence[Section] = (),
) -> Evaluation:
    """Measure a run.

    Args:
        outcome: the run.
        gold: gold labels of its documents.
        sheets: what people said.
        described: float32 [k, d], unit rows: the leaves' names and descriptions embedded.
        how: intervals are made; None for the default.
        further: sections that were measured elsewhere; they come last.
    """
    how = how or Bootstrap()
    sections = [taxonomy_section(outcome, described, how), *fidelity_section(outcome, how)]
    notes = list(outcome.notes)
    if gold is not None:
        sections += _with_gold(outcome, gold, how)
        notes += gold.notes
    sections += people_sections(outcome, sheets, how)
    notes += [note for sheet in sheets for note in sheet.notes]
    return Evaluation(
        run=outcome.run,
        use_case=outcome.use_case,
        version=outcome.version,
        documents=len(outcome.documents),
        sections=(*sections, *further),
        notes=tuple(notes),
    )


def _with_gold(outcome: Outcome, gold: Gold, how: Bootstrap) -> list[Section]:
    sections: list[Section] = []
    places = outcome.labels.primary
    tops = np.asarray(outcome.upwards()[places])
    if gold.classes is not None:
        sections += gold_sections("gold", "Against gold", places, outcome.names, gold.classes, how)
        sections += labeler_sections(outcome, gold.classes, how)
    if gold.parents is not None:
        names = [category.name for category in outcome.tops]
        title = "The level above, against gold"
        sections += gold_sections("gold_parents", title, tops, names, gold.parents, how)
    if gold.classes is not None and gold.parents is not None:
        sections += hierarchy_section(outcome, gold.classes, gold.parents, how)
    return sections + several_section(outcome, gold, how)
