"""Settings: frozen, checked, whole again after a round trip, and complete for every model."""

import re
from typing import Any

import pytest
from pydantic import ValidationError
from tnt_llm.nodes.settings import Decisions, LabelStyle, Settings, Update

FIELDS = Settings.model_fields
OPEN = [
    name
    for name, field in FIELDS.items()
    if field.default is None
    and name not in ("budget_tokens", "pause_every", "min_docs_per_second", "agreement", "active_batch")
]


def made(**changes: Any) -> Settings:
    return Settings(**{"use_case": "learn why", **changes})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        made().seed = 3  # type: ignore[misc]


def test_an_unknown_setting_is_an_error_that_names_it() -> None:
    with pytest.raises(ValidationError, match="minibach"):
        made(minibach=100)


def test_to_escalate_needs_the_agreement_that_is_promised() -> None:
    assert made(escalate=True, agreement=0.9).escalate
    with pytest.raises(ValidationError, match="set agreement too"):
        made(escalate=True)


@pytest.mark.parametrize("use_case", ["", "ab", None])
def test_a_run_needs_a_use_case(use_case: str | None) -> None:
    with pytest.raises(ValidationError, match="use_case"):
        Settings(use_case=use_case)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_categories", 1),
        ("sample", 7),
        ("label_sample", 0),
        ("minibatch", 0),
        ("epochs", 0),
        ("trials", 0),
        ("trials", 51),
        ("update", "sometimes"),
        ("decisions", "medium"),
        ("labels", "slow"),
        ("max_words", 0),
        ("phrase_weight", -0.1),
        ("budget_tokens", 0),
        ("slice", 0),
        ("patience", 0),
        ("fit_quantile", 0.0),
        ("fit_quantile", 1.0),
        ("looseness", 1.5),
        ("least_group", 0.0),
        ("twin_similarity", 1.1),
        ("rival_margin", 0.0),
        ("rival_share", 0.0),
        ("exemplars", 0),
        ("orders", 0),
        ("balance", 0),
        ("prior_power", -1.0),
        ("temperature", 0.0),
        ("seed", -1),
        ("seed", "one"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_that_names_the_setting(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{name}$"):
        made(**{name: value})


@pytest.mark.parametrize("is_embedded", [True, False])
def test_nothing_is_left_open_for_a_model(is_embedded: bool) -> None:
    assert OPEN
    filled = made().for_model(is_embedded=is_embedded)
    assert [name for name in OPEN if getattr(filled, name) is None] == []
    assert filled.for_model(is_embedded=not is_embedded) == filled
    assert Settings.model_validate(filled.model_dump()) == filled


def test_the_embedded_model_is_given_less_and_asked_smaller_questions() -> None:
    embedded, endpoint = (made().for_model(is_embedded=flag) for flag in (True, False))
    for name in ("sample", "label_sample", "read_words"):
        assert getattr(embedded, name) < getattr(endpoint, name)
    assert (embedded.decisions, endpoint.decisions) == (Decisions.SMALL, Decisions.WHOLE)


@pytest.mark.parametrize("is_embedded", [True, False])
def test_what_is_set_is_kept_whatever_the_model(is_embedded: bool) -> None:
    chosen = {"sample": 77, "label_sample": 33, "decisions": Decisions.WHOLE, "read_words": 44}
    filled = made(**chosen).for_model(is_embedded=is_embedded)
    assert {name: getattr(filled, name) for name in chosen} == chosen
    rest = set(FIELDS) - set(OPEN)
    assert filled.model_dump(include=rest) == made().model_dump(include=rest)


def test_settings_come_back_from_json_as_they_were() -> None:
    before = made(update=Update.PAPER, labels="explain", budget_tokens=5, rival_margin=0.01).for_model(
        is_embedded=True
    )
    again = Settings.model_validate_json(before.model_dump_json())
    assert again == before
    assert (again.update, again.labels) == (Update.PAPER, LabelStyle.EXPLAIN)


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(
        r"^        (\w+): ", re.sub(r"(?m)^    ", "        ", Settings.__doc__ or ""), re.M
    )
    documented = documented or re.findall(r"(?m)^\s+(\w+): ", Settings.__doc__ or "")
    assert sorted(documented) == sorted(FIELDS)
