"""`Evaluation`: all that was measured of a run, as frozen values that go to JSON and come back."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from .figure import Figure
from .measures import title_of
from .trust import ReliabilityBin, RiskPoint

FORMAT = 1
"""Of evaluation.json."""

Fact = str | int | float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which labels go with which.

    Attributes:
        rows: names of what is taken for right: gold classes, or the teacher's categories.
        columns: names of the categories given. The best match of a row is in its column as far as there is one.
        counts: [rows][columns], documents.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures that belong together.

    Attributes:
        key: which these are; unique in an evaluation.
        title: for people.
        figures: by name; `measures.MEASURES` says what each name means.
        facts: counts and names without an interval.
        confusion: where classes are compared.
        reliability, risk_coverage: where confidences are.
    """

    key: str
    title: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    confusion: Confusion | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    risk_coverage: tuple[RiskPoint, ...] = ()

    def __str__(self) -> str:
        """Its title, and a line for each figure."""
        return "\n".join(
            [self.title, *(f"  {title_of(name)}: {self.figures[name]}" for name in self.figures)]
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "key": self.key,
            "title": self.title,
            "figures": {name: figure.as_dict() for name, figure in self.figures.items()},
            "facts": dict(self.facts),
            "confusion": None if self.confusion is None else _plain(asdict(self.confusion)),
            "reliability": [asdict(one) for one in self.reliability],
            "risk_coverage": [asdict(point) for point in self.risk_coverage],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        confusion = values["confusion"]
        return cls(
            key=values["key"],
            title=values["title"],
            figures={name: Figure.from_dict(figure) for name, figure in values["figures"].items()},
            facts=dict(values["facts"]),
            confusion=None
            if confusion is None
            else Confusion(
                tuple(confusion["rows"]),
                tuple(confusion["columns"]),
                tuple(tuple(row) for row in confusion["counts"]),
            ),
            reliability=tuple(ReliabilityBin(**one) for one in values["reliability"]),
            risk_coverage=tuple(RiskPoint(**point) for point in values["risk_coverage"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What was measured of a run.

    Attributes:
        run: its name.
        use_case: what the user wanted to learn.
        version: id of the taxonomy's version that was measured; another one's figures may differ.
        documents: of the corpus.
        sections: figures that belong together, in the order to be read.
        notes: sentences that a reader should know.
    """

    run: str
    use_case: str
    version: str
    documents: int
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    def __contains__(self, key: object) -> bool:
        return any(section.key == key for section in self.sections)

    def __getitem__(self, key: str) -> Section:
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(key)

    def as_dict(self) -> dict[str, Any]:
        """JSON types: the content of evaluation.json."""
        return {
            "format": FORMAT,
            "run": self.run,
            "use_case": self.use_case,
            "version": self.version,
            "documents": self.documents,
            "sections": [section.as_dict() for section in self.sections],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave.

        Raises:
            ValueError: it is of another format.
        """
        if values.get("format") != FORMAT:
            raise ValueError(f"an evaluation of format {values.get('format')!r}, where {FORMAT} is read")
        return cls(
            run=values["run"],
            use_case=values["use_case"],
            version=values["version"],
            documents=int(values["documents"]),
            sections=tuple(Section.from_dict(section) for section in values["sections"]),
            notes=tuple(values["notes"]),
        )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Tuples as lists, so that what is read back from JSON equals what was written."""
    return {
        "rows": list(values["rows"]),
        "columns": list(values["columns"]),
        "counts": [list(row) for row in values["counts"]],
    }
