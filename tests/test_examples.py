"""The example corpus: what its README says of it is so, and nothing in it gives its topics away."""

import csv
import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
from tnt_llm.checkpoints.readers import read_corpus

EXAMPLES = Path(__file__).parents[1] / "examples"
OFF_TOPIC = "off-topic"


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def messages() -> list[dict[str, str]]:
    return rows("messages.csv")


@pytest.fixture(scope="module")
def gold() -> list[dict[str, str]]:
    return rows("messages_gold.csv")


@pytest.fixture(scope="module")
def readme() -> str:
    return (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_corpus_holds_nothing_but_ids_and_texts(messages):
    assert {tuple(row) for row in messages} == {("id", "text")}


def test_the_corpus_is_read_as_it_stands(messages):
    documents = list(read_corpus(EXAMPLES / "messages.csv"))
    assert [(d.id, d.text) for d in documents] == [(row["id"], row["text"]) for row in messages]


def test_gold_names_every_message_in_the_same_order(messages, gold):
    assert [row["id"] for row in gold] == [row["id"] for row in messages]
    assert len({row["id"] for row in messages}) == 240


def test_topics_are_as_many_and_as_large_as_the_readme_says(gold, readme):
    alone = Counter(row["topic"] for row in gold if not row["second_topic"])
    assert alone.pop(OFF_TOPIC) == 24
    assert len(alone) == 10
    assert set(alone.values()) <= {20, 21}
    assert f"| {sum(alone.values())}, 20 or 21 a topic |" in readme
    assert sum(bool(row["second_topic"]) for row in gold) == 10


def test_the_readme_lists_exactly_the_topics(gold, readme):
    paragraph = re.search(r"The topics: (.*?)\.\n", readme, re.DOTALL)
    assert paragraph is not None
    listed = re.split(r",\s+", paragraph[1])
    assert listed == sorted({row["topic"] for row in gold} - {OFF_TOPIC})


def test_a_second_topic_is_another_one_of_the_topics(gold):
    topics = {row["topic"] for row in gold} - {OFF_TOPIC}
    for row in gold:
        if row["second_topic"]:
            assert row["second_topic"] in topics - {row["topic"]}


def test_topics_are_shuffled(gold):
    longest_run = max(len(list(group)) for _, group in itertools.groupby(row["topic"] for row in gold))
    assert longest_run <= 3


def test_messages_are_short_and_of_different_lengths(messages):
    lengths = [len(row["text"].split()) for row in messages]
    assert min(lengths) >= 4
    assert max(lengths) <= 45
    assert len(set(lengths)) >= 25


def test_no_two_messages_are_near_duplicates(messages):
    bags = [set(re.findall(r"\w+", row["text"].lower())) for row in messages]
    for one, other in itertools.combinations(bags, 2):
        assert len(one & other) / len(one | other) < 0.5, (one, other)


def test_no_message_names_its_topic(messages, gold):
    for message, row in zip(messages, gold, strict=True):
        assert len(row["topic"].split()) == 1 or row["topic"].lower() not in message["text"].lower()


def test_the_readme_states_use_case_and_licence(readme):
    quoted = re.search(r"^> (.+)$", readme, re.MULTILINE)
    assert quoted is not None
    assert f'--use-case "{quoted[1]}"' in readme
    assert "CC0 1.0" in readme
