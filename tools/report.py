"""The report: one self-contained HTML page about a run.

`render_report` fills `report.html` with a `ReportData`. The page asks nothing of the network (its content
security policy forbids it), needs no script to be read, escapes every value, and drops control characters.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..taxonomy.values import Category, Taxonomy
from ..taxonomy.version import Version
from .edit_wording import EditLine, word_version
from .loop_chart import HEIGHT, WIDTH, loop_panels
from .plain import plain, shorten
from .report_data import Example, ReportData

if TYPE_CHECKING:
    from jinja2 import Template

EXAMPLES_SHOWN = 5
FAILURES_SHOWN = 50
SUSPECTS_SHOWN = 50
_EXAMPLE_WIDTH = 240
_RAW_WIDTH = 400
_OPEN_VERSIONS = 8  # more than that and the older ones start closed


@dataclass(frozen=True, slots=True)
class _Block:
    """A category as the page shows it; `share` is of all documents, `bar` of the largest count."""

    anchor: str
    name: str
    description: str
    count: int
    share: float
    bar: float
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Categories under one parent; the parent is None for those at the top."""

    parent: _Block | None
    blocks: tuple[_Block, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One version as the page shows it."""

    number: int
    author: str
    note: str
    before: int
    after: int
    edits: tuple[EditLine, ...]
    refused: tuple[tuple[EditLine, str], ...]
    is_open: bool


def render_report(data: ReportData) -> str:
    """The page as text; the same data gives the same page."""
    groups = _groups(data)
    return _template().render(
        data=data,
        groups=groups,
        blocks=[block for group in groups for block in group.blocks],
        undefined=_block("undefined", data.counts.get(None, 0), data, None),
        steps=_steps(data.versions),
        panels=loop_panels(data.loop, data.chosen_trial),
        trials=len({point.trial for point in data.loop}),
        chart=(WIDTH, HEIGHT),
        suspects=list(data.suspects)[:SUSPECTS_SHOWN],
        verdicts=[
            (verdict, sum(suspect.verdict == verdict for suspect in data.suspects))
            for verdict in ("kept", "changed", "dropped")
        ],
        failures=list(data.failures)[:FAILURES_SHOWN],
        example_width=_EXAMPLE_WIDTH,
        raw_width=_RAW_WIDTH,
    )


def _groups(data: ReportData) -> list[_Group]:
    """Parents by their sums, then the categories at the top that have no children; each by count."""
    tops = [category for category in data.taxonomy if category.parent not in data.taxonomy]
    groups: list[_Group] = []
    alone: list[_Block] = []
    for top in tops:
        children = [category for category in data.taxonomy if category.parent == top.id]
        if not children:
            alone.append(_category_block(top, data))
            continue
        blocks = sorted((_category_block(child, data) for child in children), key=lambda block: -block.count)
        own = data.counts.get(top.id, 0)
        head = _block(top.id, own + sum(b.count for b in blocks), data, top)
        groups.append(_Group(head, tuple(blocks)))
    groups.sort(key=lambda group: -(group.parent.count if group.parent else 0))
    if alone:
        groups.append(_Group(None, tuple(sorted(alone, key=lambda block: -block.count))))
    return groups


def _category_block(category: Category, data: ReportData) -> _Block:
    return _block(category.id, data.counts.get(category.id, 0), data, category)


def _block(anchor: str, count: int, data: ReportData, category: Category | None) -> _Block:
    largest = max([*data.counts.values(), 1])
    examples = data.examples.get(category.id if category else None, ())
    return _Block(
        anchor=anchor,
        name=category.name if category else "undefined",
        description=category.description if category else "",
        count=count,
        share=count / data.documents if data.documents else 0.0,
        bar=min(1.0, count / largest),
        examples=tuple(examples[:EXAMPLES_SHOWN]),
    )


def _steps(versions: Sequence[Version]) -> list[_Step]:
    """The versions that changed or refused something, each against the one before it."""
    steps: list[_Step] = []
    before = Taxonomy()
    for version in versions:
        after = version.taxonomy
        if version.edits or version.refused or after != before:
            edits, refused = word_version(version, before)
            steps.append(
                _Step(
                    number=len(steps) + 1,
                    author=str(version.author),
                    note=version.note,
                    before=len(before),
                    after=len(after),
                    edits=edits,
                    refused=refused,
                    is_open=False,
                )
            )
        before = after
    return _with_last_open(steps)


def _with_last_open(steps: list[_Step]) -> list[_Step]:
    first_open = len(steps) - _OPEN_VERSIONS
    return [replace(step, is_open=position >= first_open) for position, step in enumerate(steps)]


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shorten=shorten,
        csp_hash=_csp_hash,
        thousands=lambda number: f"{number:,}".replace(",", "\u202f"),
        compact=_compact,
        percent=_percent,
        duration=_duration,
    )
    return environment.get_template("report.html")


def _finalize(value: object) -> object:
    """Every text that the template prints goes through here; Jinja escapes what comes out."""
    from markupsafe import Markup

    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _csp_hash(script: object) -> str:
    """The content security policy's source for exactly this script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode()


def _compact(number: int) -> str:
    """812 -> "812", 48210 -> "48.2 k", 1204000 -> "1.2 M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1e3 if letter == 'k' else size):.1f}\u202f{letter}"
    return f"{number:,}".replace(",", "\u202f")


def _percent(share: float) -> str:
    """Whole per cents; what is not nothing is not called 0 %, what is not all not 100 %."""
    if 0 < share < 0.005:
        return "<1\u202f%"
    if 0.995 <= share < 1:
        return ">99\u202f%"
    return f"{share * 100:.0f}\u202f%"


def _duration(seconds: float) -> str:
    """Seconds in words: "42 s", "6 min 12 s", "2 h 05 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
