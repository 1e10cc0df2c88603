"""What questions and previews are answered from: the taxonomy in question, and where its documents are."""

import heapq
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from ..checkpoints.labels import LabelRow
from ..classifiers.encoders import Vectors
from ..classifiers.index import EmbeddingIndex
from ..prompts.prompt import load_prompt
from ..taxonomy.apply import apply
from ..taxonomy.document import Document
from ..taxonomy.edits import Add, Split
from ..taxonomy.errors import WorkspaceError
from ..taxonomy.lineage import Lineage, follow
from ..taxonomy.names import quoted
from ..taxonomy.plan import Instruction
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from ..tools.evidence import Placement
from ..tools.preview import Preview, preview
from ..tools.view import Standing
from .context import Context
from .labeler import STAGE, calls_ahead
from .settings import LabelStyle
from .state import State

MOST_FOUND = 3
"""Documents of one id that are looked for: ids may repeat."""
_PAGE = 5_000
_CHARACTERS_A_TOKEN = 4


class RunView:
    """A `tools.questions.View` of a run: by its labels where there are any, else by nearness within the sample.

    The labels are those of the version in question, or of its nearest ancestor that has some: then they count as far
    as lineage carries them. A text of a category that was split or removed since counts where it is nearest to now
    if it is in the sample, and nowhere if it is not.
    """

    def __init__(self, context: Context, state: State) -> None:
        self.context = context
        self.state = state
        self._run = context.run
        self._workspace = context.workspace
        self._reading = context.reading
        self._line = context.workspace.versions.path(state["version"])
        self.taxonomy: Taxonomy = self._line[-1].taxonomy
        self.instructions = tuple(Instruction.model_validate(wish) for wish in state.get("instructions", ()))

    # --- the sample, by nearness

    @property
    def sample(self) -> Sequence[int]:
        """Numbers of the sample's documents, ascending."""
        return self._reading.sample

    @cached_property
    def placement(self) -> Placement:
        """Where the sample falls among the leaves."""
        return self._reading.place(self.taxonomy, self.sample)

    @cached_property
    def index(self) -> EmbeddingIndex:
        """FAISS over the sample's vectors."""
        return EmbeddingIndex.build(self._reading.vectors(self.sample))

    def vector(self, number: int) -> Vectors:
        """float32 [d]; a document outside the sample is encoded by its text alone."""
        if number in self._rows:
            return np.asarray(self._reading.vectors([number])[0])
        return self.encode(self.documents([number])[0].text)

    def encode(self, text: str) -> Vectors:
        """float32 [d] of any words."""
        return np.asarray(self.context.encoder.encode([text])[0])

    def prototypes(self) -> Vectors:
        """float32 [k, d] of the leaves."""
        return self._reading.prototypes(self.taxonomy.leaves)

    # --- documents

    def documents(self, numbers: Sequence[int]) -> list[Document]:
        """In the order asked."""
        return self._workspace.documents.get(numbers)

    def find(self, document_id: str) -> list[int]:
        """Numbers of the documents with this id, the first few; without any, those whose id differs in case only."""
        alike: list[int] = []
        exact: list[int] = []
        folded = document_id.casefold()
        for batch in self._workspace.documents.batches(_PAGE):
            exact += [document.number for document in batch if document.id == document_id]
            alike += [document.number for document in batch if document.id.casefold() == folded]
            if len(exact) >= MOST_FOUND:
                break
        return (exact or alike)[:MOST_FOUND]

    # --- where they are

    @property
    def is_labelled(self) -> bool:
        """Whether this version or an ancestor of it has labels."""
        return self.labelled is not None

    @cached_property
    def labelled(self) -> Version | None:
        """The nearest version on the path that has labels."""
        newest = self._workspace.labels.newest(self._run, (version.id for version in reversed(self._line)))
        return next((version for version in self._line if version.id == newest), None)

    @cached_property
    def counts(self) -> Mapping[str | None, int]:
        """Documents by id of the leaf that each is in; None counts the undefined."""
        if self.labelled is None:
            return {category: len(numbers) for category, numbers in self._near.items()}
        counts: dict[str | None, int] = {leaf.id: 0 for leaf in self.taxonomy.leaves}
        for category, count in self._workspace.labels.counts(self._run, self.labelled.id).items():
            if category is None or self._now(category) is not None:
                now = None if category is None else self._now(category)
                counts[now] = counts.get(now, 0) + count
        for standing in self._standings.values():
            if standing.former:
                counts[standing.category] = counts.get(standing.category, 0) + 1
        return counts

    @cached_property
    def waiting(self) -> int:
        """Documents whose label an edit has ended."""
        if self.labelled is None:
            return 0
        counts = self._workspace.labels.counts(self._run, self.labelled.id)
        ended = [
            category
            for category in counts
            if category is not None and self._lineage.current(category) is None
        ]
        return sum(counts[category] for category in ended)

    def standing(self, numbers: Sequence[int]) -> dict[int, Standing]:
        """Where documents are; one without a label and outside the sample is left out."""
        found = {number: self._standings[number] for number in numbers if number in self._standings}
        rest = [number for number in numbers if number not in found]
        if self.labelled is not None and rest:
            for row in self._workspace.labels.of(self._run, self.labelled.id, rest).values():
                found[row.number] = self._standing(row)
        return found

    def surest(self, category: str | None, count: int) -> list[int]:
        """The documents that are most certainly in a leaf, or undefined; those of the sample before others."""
        own = [(number, there) for number, there in self._standings.items() if there.category == category]
        if self.labelled is None and category is None:
            own.sort(key=lambda item: (item[1].confidence, item[0]))  # the farthest from every category
        else:
            own.sort(key=lambda item: (item[1].waiting, -item[1].confidence, item[0]))
        numbers = [number for number, _ in own[:count]]
        if self.labelled is None or len(numbers) == count or self.counts.get(category, 0) <= len(own):
            return numbers
        others = (
            (-row.confidence, row.number)
            for row in self._workspace.labels.get(self._run, self.labelled.id)
            if row.number not in self._rows and self._category(row) == category
        )
        return numbers + [number for _, number in heapq.nsmallest(count - len(numbers), others)]

    def members(self) -> dict[str | None, list[int]]:
        """Numbers by id of the leaf that each document is in, ascending; None has the undefined."""
        return {category: list(numbers) for category, numbers in self._members.items()}

    # --- versions

    def path(self, version: str | None = None) -> list[Version]:
        """A version of this run and its ancestors, the root first; None is the one in question.

        Raises:
            WorkspaceError: no version begins like that, or more than one does.
        """
        if version is None:
            return self._line
        ids = [known.id for known in self._workspace.versions.list(self._run) if known.id.startswith(version)]
        if not ids:
            newest = ", ".join(known.id[:8] for known in self._line[:-6:-1])
            raise WorkspaceError(
                f"This run has no version {quoted(version)}. The newest, the last one first: {newest}."
            )
        if len(ids) > 1:
            raise WorkspaceError(f"{len(ids)} versions begin with {quoted(version)}: give more of the id.")
        return self._workspace.versions.path(ids[0])

    # --- inside

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {number: row for row, number in enumerate(self.sample)}

    @cached_property
    def _members(self) -> dict[str | None, list[int]]:
        if self.labelled is None:
            return self._near
        found: dict[str | None, list[int]] = {leaf.id: [] for leaf in self.taxonomy.leaves} | {None: []}
        for row in self._workspace.labels.get(self._run, self.labelled.id):
            if row.primary is None or self._now(row.primary) is not None:
                found[self._category(row)].append(row.number)
            elif row.number in self._standings:
                found[self._standings[row.number].category].append(row.number)
        return found

    @cached_property
    def _near(self) -> dict[str | None, list[int]]:
        """The sample by nearness."""
        found: dict[str | None, list[int]] = {leaf.id: [] for leaf in self.taxonomy.leaves} | {None: []}
        for number in self.sample:
            found[self._nearest(self._rows[number])].append(number)
        return found

    def _nearest(self, row: int) -> str | None:
        if not self.placement.fits[row] or not self.taxonomy.leaves:
            return None
        return self.taxonomy.leaves[int(self.placement.nearest[row])].id

    @cached_property
    def _lineage(self) -> Lineage:
        """From the version that has labels to the one in question."""
        start = next(place for place, version in enumerate(self._line) if version == self.labelled)
        return follow(self._line[start:])

    @cached_property
    def _leaf_ids(self) -> frozenset[str]:
        return frozenset(leaf.id for leaf in self.taxonomy.leaves)

    def _now(self, category: str) -> str | None:
        """Where a label counts now: one that is to be asked anew counts where it was, as long as that is there."""
        current = self._lineage.current(category)
        return current if current is not None or category not in self._leaf_ids else category

    def _category(self, row: LabelRow) -> str | None:
        return None if row.primary is None else self._now(row.primary)

    @cached_property
    def _standings(self) -> dict[int, Standing]:
        """Of the sample's documents."""
        if self.labelled is None:
            best = self.placement.best
            return {
                number: Standing(self._nearest(row), None, float(best[row]))
                for row, number in enumerate(self.sample)
            }
        rows = self._workspace.labels.of(self._run, self.labelled.id, self.sample)
        return {number: self._standing(row) for number, row in rows.items()}

    def _standing(self, row: LabelRow) -> Standing:
        now = self._category(row)
        also = [self._now(category) for category in row.all]
        waiting = row.primary is not None and self._lineage.current(row.primary) is None
        former = ""
        if now is None and row.primary is not None and self.labelled is not None:
            former = self.labelled.taxonomy[row.primary].name
            now = self._nearest_to(row.number)
        return Standing(
            category=now,
            source=row.source,
            confidence=row.confidence,
            also=tuple(dict.fromkeys(other for other in also if other is not None and other != now)),
            reason=row.reason,
            waiting=waiting,
            former=former,
        )

    def _nearest_to(self, number: int) -> str | None:
        if number in self._rows:
            return self._nearest(self._rows[number])
        near = self.prototypes() @ self.vector(number)
        if not len(near) or near.max() < self.placement.threshold:
            return None
        return self.taxonomy.leaves[int(near.argmax())].id


def members_after(view: RunView, after: Version) -> dict[str | None, list[int]]:
    """Numbers of the documents by id of the leaf that each is in, those that a child version creates included.

    Args:
        view: of a run.
        after: a child of the version in question. What it creates gets the documents of the sample that are nearest.
    """
    found, reading = view.members(), view.context.reading
    sample = set(view.sample)
    placement = reading.place(after.taxonomy, view.sample) if after.edits else view.placement
    leaves = [leaf.id for leaf in after.taxonomy.leaves]
    for step in apply(view.taxonomy, after.edits, origin=after.parent or "").applied:
        born = [category for category in after.taxonomy.categories if category.id in step.ids_born]
        if isinstance(step.edit, Split) and len(born) == len(step.ids_born):
            whole = [number for number in found.get(step.edit.id, ()) if number in sample]
            near = reading.vectors(whole) @ reading.prototypes(born).T
            best = near.argmax(axis=1).tolist() if whole else []
            for place, part in enumerate(born):
                found[part.id] = [number for number, own in zip(whole, best, strict=True) if own == place]
        elif isinstance(step.edit, Add) and born and born[0].id in leaves:
            column = leaves.index(born[0].id)
            rows = np.flatnonzero((placement.nearest == column) & placement.fits).tolist()
            found[born[0].id] = [view.sample[row] for row in rows]
    return found


def propose(view: RunView, after: Version) -> Preview:
    """What a child of the version in question would change, what of it was refused, and what it would cost."""
    before = view.path()[-1]
    calls, tokens = relabel_cost(view.context, view.state, before, after)
    count = sum(view.counts.values())
    texts = f"{count:,} {'text' if count == 1 else 'texts'}"
    return preview(
        before,
        after,
        members=members_after(view, after),
        text_of=lambda number: view.documents([number])[0].text,
        calls=calls,
        tokens_per_call=tokens,
        note=(
            f"Counted by the labels of {texts}; what a new category would get, by nearness within the sample."
            if view.is_labelled
            else f"Counted by nearness among the {texts} of the sample: nothing is labelled yet."
        ),
    )


def relabel_cost(context: Context, state: State, before: Version, after: Version) -> tuple[int, float]:
    """How many LLM calls more the labelling will take because of these edits, and about how many tokens each.

    None while nothing is labelled: then the whole label sample is asked at the approval, whatever the edits.

    Args:
        context: of the run.
        state: says how texts are labelled.
        before: the version in question.
        after: a child of it; it need not be kept anywhere.
    """
    line = context.workspace.versions.path(before.id)
    if context.workspace.labels.newest(context.run, (version.id for version in line)) is None:
        return 0, 0.0
    style = LabelStyle(state.get("label_style") or context.settings.labels)
    calls = calls_ahead(context, [*line, after], style) - calls_ahead(context, line, style)
    return max(calls, 0), _tokens_a_call(context, after.taxonomy)


def _tokens_a_call(context: Context, taxonomy: Taxonomy) -> float:
    """What labelling a text has taken on average; before the first, by the length of what will be sent."""
    spent = context.usage().get(STAGE)
    if spent is not None and spent.calls:
        return spent.tokens / spent.calls
    fixed = sum(len(text) for _, text in load_prompt("label_fast").parts)
    categories = sum(len(leaf.text) for leaf in taxonomy.leaves)
    return (fixed + categories + 6 * context.settings.max_words) / _CHARACTERS_A_TOKEN
