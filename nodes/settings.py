"""Everything that can be set about a run. Frozen; stored with the run, and back on resume."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..taxonomy.plan import Instruction


class Update(StrEnum):
    """How a minibatch changes the taxonomy."""

    RESIDUAL = "residual"
    PAPER = "paper"


class Decisions(StrEnum):
    """How much the LLM decides at once in `residual` style."""

    SMALL = "small"
    WHOLE = "whole"


class LabelStyle(StrEnum):
    """How the LLM labels a text."""

    FAST = "fast"
    EXPLAIN = "explain"


class Cleaning(StrEnum):
    """What becomes of labels that look wrong."""

    ASK = "ask"
    DROP = "drop"
    OFF = "off"


class Settings(BaseModel):
    """Settings of a run. What is None is filled in for the LLM when the run starts (`for_model`).

    Attributes:
        use_case: what the user wants to learn from the texts.
        language: of names, descriptions and phrases.
        max_categories: most categories the taxonomy may have.
        sample: texts that the taxonomy is built from.
        label_sample: texts, of the sample, that the LLM labels.
        minibatch: texts that each update looks at.
        epochs: most passes over the sample; convergence ends the loop earlier.
        trials: independent loops with seeds of their own.
        update: `residual` or `paper`.
        decisions: in `residual` style, one question a group or pair (`small`), or all evidence at once (`whole`).
        labels: `fast` or `explain`.
        max_words: a longer text is summarised, and no more of one is shown when it is labelled.
        read_words: most words of a text that the summarizer reads.
        phrase_weight: how far a text's vector is drawn towards its phrase's; 0 leaves the phrase out.
        seed: of everything that is drawn.
        budget_tokens: pause once the run has used so many; None for no limit.
        auto: do not pause to show the taxonomy.
        pause_every: pause after so many minibatches of the loop too; None for not before its end.
        encoder: spec of the encoder.
        slice: documents that one superstep summarises or labels.
        patience: minibatches in a row that must change little before a loop has converged.
        touched_tolerance: share of categories that "little" may touch.
        residual_tolerance: how far "little" may move the held-out residual.
        fit_quantile: a text fits when it is nearer to its category than this share of texts are to others.
        looseness: a group is loose below this share of the usual cohesion, and makes no category.
        least_group: smallest share of a minibatch that makes a category.
        twin_similarity: categories whose descriptions have a higher cosine are merged unasked.
        rival_margin: a text is contested when its two best similarities differ by less.
        rival_share: contested share of a category from which the LLM is asked whether the two are one.
        exemplars: documents that a category remembers as its best examples.
        orders: letter orders of `fast` labels; from the second on, contested texts only.
        balance: texts a category, in the fixed sample that the letters' prior is estimated on.
        prior_power: votes are divided by prior ** this.
        temperature: of the embedding's vote; smaller counts more.
        features: what the classifier sees of texts, such as `static+tfidf`; `auto` chooses by cross-validation.
        head: of the classifier: `logistic`, `linear`, `lightgbm`, `mlp`, `knn`; `auto` chooses likewise.
        min_docs_per_second: `auto` takes nothing that is slower on this machine; None for no floor.
        agreement: the classifier abstains where it cannot promise to agree with the LLM so often; None for never.
        escalate: ask the LLM about the texts that it abstains on, within the budget.
        active_rounds: rounds of labelling after the first, of texts that the classifier is unsure of.
        active_batch: texts a round; None for a quarter of the label sample.
        cleaning: ask again about labels that look wrong, or drop them, or trust all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    use_case: str = Field(min_length=3)
    language: str = "English"
    max_categories: int = Field(default=25, ge=2, le=500)
    sample: int | None = Field(default=None, ge=8)
    label_sample: int | None = Field(default=None, ge=1)
    minibatch: int = Field(default=200, ge=8)
    epochs: int = Field(default=2, ge=1)
    trials: int = Field(default=1, ge=1, le=50)
    update: Update = Update.RESIDUAL
    decisions: Decisions | None = None
    labels: LabelStyle = LabelStyle.FAST
    max_words: int = Field(default=60, ge=8)
    read_words: int | None = Field(default=None, ge=8)
    phrase_weight: float = Field(default=0.4, ge=0)
    seed: int = Field(default=0, ge=0)
    budget_tokens: int | None = Field(default=None, ge=1)
    auto: bool = False
    pause_every: int | None = Field(default=None, ge=1)
    encoder: str = "minilm"
    slice: int = Field(default=200, ge=1)
    patience: int = Field(default=2, ge=1)
    touched_tolerance: float = Field(default=0.05, ge=0, le=1)
    residual_tolerance: float = Field(default=0.02, ge=0, le=1)
    fit_quantile: float = Field(default=0.9, gt=0, lt=1)
    looseness: float = Field(default=0.6, ge=0, le=1)
    least_group: float = Field(default=0.02, gt=0, lt=1)
    twin_similarity: float = Field(default=0.8, gt=0, le=1)
    rival_margin: float = Field(default=0.05, gt=0)
    rival_share: float = Field(default=0.25, gt=0, le=1)
    exemplars: int = Field(default=12, ge=1)
    orders: int | None = Field(default=None, ge=1, le=10)
    balance: int = Field(default=3, ge=1)
    prior_power: float = Field(default=0.5, ge=0)
    temperature: float = Field(default=0.05, gt=0)
    features: str = "auto"
    head: str = "auto"
    min_docs_per_second: float | None = Field(default=None, gt=0)
    agreement: float | None = Field(default=None, gt=0, lt=1)
    escalate: bool = False
    active_rounds: int = Field(default=0, ge=0, le=20)
    active_batch: int | None = Field(default=None, ge=1)
    cleaning: Cleaning | None = None

    @model_validator(mode="after")
    def _escalation_needs_a_promise(self) -> Self:
        if self.escalate and self.agreement is None:
            raise ValueError("escalate asks about texts that the classifier abstains on: set agreement too")
        return self

    def for_model(self, *, is_embedded: bool) -> "Settings":
        """The same settings with what was left open filled in: less of everything for the slow embedded LLM."""
        open_ones = {
            "sample": 300 if is_embedded else 2000,
            "label_sample": 300 if is_embedded else 1000,
            "decisions": Decisions.SMALL if is_embedded else Decisions.WHOLE,
            "read_words": 100 if is_embedded else 1000,
            # Measured: beside the embedding's vote a small model's second opinion adds nothing (docs/results.md).
            "orders": 1 if is_embedded else 3,
            # Likewise: a small model's second answer is no better than its first.
            "cleaning": Cleaning.DROP if is_embedded else Cleaning.ASK,
        }
        return self.model_copy(
            update={name: value for name, value in open_ones.items() if getattr(self, name) is None}
        )

    def steered(self, instructions: Sequence[Instruction]) -> "Settings":
        """The same settings under standing instructions: the use case says them, so every prompt does.

        Of two that set a size or a language the later one counts.
        """
        if not instructions:
            return self
        changes: dict[str, object] = {
            "use_case": f"{self.use_case} ({'; '.join(instruction.text for instruction in instructions)})"
        }
        for instruction in instructions:
            if instruction.max_categories is not None:
                changes["max_categories"] = instruction.max_categories
            if instruction.language is not None:
                changes["language"] = instruction.language
        return self.model_copy(update=changes)
