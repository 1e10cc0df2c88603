"""Updates in `paper` style: the whole table and the minibatch in, the whole table out; its changes become edits."""

from collections.abc import Sequence

from ..llm.request import Request
from ..prompts.answers import RatedTable, Row, Table, schema_of
from ..prompts.prompt import load_prompt
from ..taxonomy.edits import Add, Edit, Redefine, Remove
from ..taxonomy.names import same_name
from ..taxonomy.values import Taxonomy
from .context import Context

TOP_P = 0.5
GENERATE_TEMPERATURE = 0.5
UPDATE_TEMPERATURE = 0.2
"""Of the paper, appendix; reviewing is done at 0."""


def generate(context: Context, numbers: Sequence[int], *, stage: str, draw: int) -> list[Edit]:
    """The first table, from the first minibatch."""
    settings = context.settings
    messages = load_prompt("generate").render(
        use_case=settings.use_case,
        language=settings.language,
        cap=settings.max_categories,
        texts=context.reading.texts(numbers),
    )
    schema = schema_of(Table, categories={"maxItems": settings.max_categories})
    request = Request(
        stage, messages, _room(settings.max_categories), GENERATE_TEMPERATURE, TOP_P, schema, draw=draw
    )
    table = context.chat.parse(request, Table.model_validate_json)
    return [Add(name=row.name, description=row.description) for row in table.categories]


def update(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], *, stage: str, draw: int
) -> tuple[list[Edit], int]:
    """The edits that a minibatch leads to, and the model's rating 0-100 of the table before them."""
    texts = context.reading.texts(numbers)
    return _revised(context, taxonomy, "update", UPDATE_TEMPERATURE, stage=stage, draw=draw, texts=texts)


def review(context: Context, taxonomy: Taxonomy, *, stage: str, draw: int) -> list[Edit]:
    """The edits of the last look at the table, without data."""
    return _revised(context, taxonomy, "review", 0.0, stage=stage, draw=draw)[0]


def table_edits(taxonomy: Taxonomy, rows: Sequence[Row]) -> list[Edit]:
    """The edits that lead from a taxonomy to a table: what is gone, what continues, what is new.

    A row continues the category that has its name, else the one whose number it bears; models mix numbers up, and
    a name that is still in use could not be given to another category. A second row for a category is a new one.
    """
    leaves = taxonomy.leaves
    continued = _by_name(taxonomy, rows)
    for position, row in enumerate(rows):
        taken = continued.values()
        if position not in continued and 1 <= row.number <= len(leaves) and row.number - 1 not in taken:
            continued[position] = row.number - 1
    edits: list[Edit] = []
    for position, row in enumerate(rows):
        if position not in continued:
            edits.append(Add(name=row.name, description=row.description))
            continue
        old = leaves[continued[position]]
        if (row.name, row.description) != (old.name, old.description):
            edits.append(Redefine(id=old.id, name=row.name, description=row.description))
    gone = set(range(len(leaves))) - set(continued.values())
    return [*(Remove(id=leaves[place].id) for place in sorted(gone)), *edits]


def _by_name(taxonomy: Taxonomy, rows: Sequence[Row]) -> dict[int, int]:
    """Position of a row -> that of the leaf with its name; of several rows the first."""
    found: dict[int, int] = {}
    for place, leaf in enumerate(taxonomy.leaves):
        named = (position for position, row in enumerate(rows) if same_name(row.name, leaf.name))
        first = next((position for position in named if position not in found), None)
        if first is not None:
            found[first] = place
    return found


def _revised(
    context: Context,
    taxonomy: Taxonomy,
    prompt: str,
    temperature: float,
    *,
    stage: str,
    draw: int,
    **data: Sequence[str],
) -> tuple[list[Edit], int]:
    settings = context.settings
    messages = load_prompt(prompt).render(
        use_case=settings.use_case,
        language=settings.language,
        cap=settings.max_categories,
        categories=taxonomy.leaves,
        **data,
    )
    schema = schema_of(RatedTable, categories={"maxItems": settings.max_categories})
    request = Request(
        stage, messages, _room(settings.max_categories) + 200, temperature, TOP_P, schema, draw=draw
    )
    answer = context.chat.parse(request, RatedTable.model_validate_json)
    return table_edits(taxonomy, answer.categories), answer.rating


def _room(categories: int) -> int:
    """Tokens for a table: a name and a description of 30 words a row."""
    return 100 + 70 * categories
