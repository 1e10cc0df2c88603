"""The report: what it says, that it says it safely, and that it needs nothing else to be read."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_sample import history, sample_report
from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.edit_wording import word_version
from tnt_llm.tools.loop_chart import HEIGHT, WIDTH, loop_panels, nice_ticks
from tnt_llm.tools.plain import plain, shorten
from tnt_llm.tools.report import render_report
from tnt_llm.tools.report_data import Example, FailureItem, LoopPoint, ReportData, SuspectItem
from tnt_llm.tools.train_classifier import Metrics

VOID = {"meta", "input", "line", "circle", "polyline", "br", "link", "img"}


class Page(HTMLParser):
    """The page's elements, its text, and what is not closed as it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open
        self.text = re.sub(r" (?=[,:.)])", "", " ".join(self.text.split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self._open[-1:] != ["style"]:
            self.text += data

    def all(self, tag: str, cls: str = "") -> list[dict[str, str]]:
        return [a for t, a in self.elements if t == tag and (not cls or cls in a.get("class", "").split())]


@pytest.fixture(scope="module")
def data() -> ReportData:
    return sample_report()


@pytest.fixture(scope="module")
def html(data) -> str:
    return render_report(data)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def read(data: ReportData) -> Page:
    return Page(render_report(data))


def test_the_headline_tells_what_came_out(page):
    for words in (
        "Understand what passengers contact the airline about",
        "240 texts from messages.csv · run main · 22 November 2026, 09:36",
        "90 % of the texts fit one of them",
        "24 texts are undefined",
        "120 labelled by the LLM",
        "120 labelled by the classifier",
        "161.3 k tokens spent",
    ):
        assert words in page.text, words


def test_labels_by_people_and_by_lineage_are_named_where_there_are_any(data, page):
    assert "labelled by people" not in page.text
    steered = read(replace(data, by_source={"llm": 100, "human": 7, "lineage": 133}))
    assert "7 labelled by people" in steered.text
    assert "133 carried over" in steered.text


def test_every_category_is_shown_with_its_count_description_and_at_most_five_examples(data, page):
    cards = page.all("article", "card")
    assert [card["id"] for card in cards if "undefined" not in card["class"]] == [
        f"c-{category.id}" for category in sorted(data.taxonomy, key=lambda c: -data.counts[c.id])
    ]
    for category in data.taxonomy:
        assert category.description in page.text
        assert f"{category.name} {data.counts[category.id]}" in page.text
        assert data.examples[category.id][0].text in page.text
    assert len(page.all("q")) == 5 * len(cards)


def test_undefined_has_examples_too(data, page):
    assert data.examples[None][0].text in page.text


def test_no_category_id_is_shown(data, page):
    assert not [category.id for category in data.taxonomy if category.id in page.text]


def test_the_history_reads_edit_by_edit_with_the_reasons_of_what_was_refused(page):
    for words in (
        "Version 1 the LLM 0 → 5 categories · 5 edits · first minibatch",
        "Merge Food and Special meals into Meals and food on board",
        "Split Accounts and points into Account login and Loyalty points",
        "Rename Delays to Delays and cancellations",
        "Version 5 a person 10 categories · 1 edit · 1 refused",
        "Add Airport parking refused: it would make 11 categories where 10 are allowed",
    ):
        assert words in page.text, words


def test_a_version_without_edits_is_no_step(page):
    assert "minibatch 3" not in page.text
    assert len(re.findall(r"Version \d", page.text)) == 5


def test_of_a_long_history_only_the_end_is_open(data):
    version = history()[-1]
    versions = [version]
    for number in range(12):
        edit = Redefine(id="Seats", description=f"Seats, as of batch {number}.")
        versions.append(version := version.then([edit], author=Author.MODEL))
    steps = read(replace(data, versions=versions, failures=[])).all("details")
    assert ["open" in step for step in steps] == [False] * 5 + [True] * 8


def test_the_ledger_sums_up_each_stage(page):
    assert "taxonomy updater 31 14 820 6 200 610 1 min 28 s" in page.text
    assert "Together 463 159 234 124 100 2 060 4 min 56 s" in page.text
    assert "672.1 tokens for each text" in page.text
    assert "Cost" not in page.text


def test_money_is_shown_where_prices_are_known(data):
    priced = read(replace(data, usage={"labeler": Usage(1, 10, 0, 1, 0.5, 0.0123)}))
    assert "Cost" in priced.text
    assert "0.0123" in priced.text


def test_the_classifier_is_measured_against_the_most_frequent_label(page):
    assert "88 % same label" in page.text
    assert "0.87 macro F1" in page.text
    assert "12 % by always saying" in page.text
    assert "Lost or damaged baggage 14 0.97 0.98 0.97" in page.text


def test_a_classifier_with_too_few_texts_says_so(data):
    metrics = Metrics(
        n=1, folds=0, accuracy=None, macro_f1=None, majority=1.0, undefined_share=0.0, classes=()
    )
    small = read(replace(data, classifier=metrics))
    assert "1 labelled texts on minilm embeddings. That is too few to measure it." in small.text
    assert not small.unbalanced


def test_labels_that_looked_wrong_are_listed_with_what_became_of_them(page):
    told = "contradict 2 labels of the LLM: 1 was changed, 1 was dropped."
    assert told in page.text
    row = "The charge on my card is wrong m019 Account login Payments and invoices Payments and invoices"
    assert f"{row} changed: Payments and invoices It asks about a charge." in page.text
    assert "Hello? m023 undefined Seats undefined dropped" in page.text


def test_of_many_labels_that_looked_wrong_the_first_are_shown(data):
    many = [SuspectItem(f"doc{n}", "text", "A", "kept", "B", "B", "A") for n in range(1200)]
    shown = read(replace(data, suspects=many)).text
    assert "contradict 1 200 labels of the LLM: 1 200 were kept." in shown
    assert "doc49" in shown
    assert "doc50" not in shown
    assert "looked wrong" not in read(replace(data, suspects=[])).text


def test_failures_are_listed_with_what_the_model_wrote(page):
    assert "labeler m017: the answer names no category that exists" in page.text
    assert "Sure! Here is the <b>table</b>:" in page.text


def test_of_many_failures_the_first_are_shown_and_all_are_counted(data):
    many = [FailureItem("labeler", f"doc{n}", "timed out") for n in range(80)]
    shown = read(replace(data, failures=many, failure_count=1234))
    assert "1 234 requests failed" in shown.text
    assert "The first 50 are shown." in shown.text
    assert "doc49" in shown.text
    assert "doc50" not in shown.text


def test_settings_and_notes_are_given(page):
    assert "label sample 120" in page.text
    assert "sample not set" in page.text
    assert "auto yes" in page.text
    assert "seed 0" in page.text
    assert "2 texts are longer than 1000 words" in page.text


def test_the_page_loads_nothing(html, page):
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        for name in ("src", "srcset", "action", "data", "xlink:href"):
            assert name not in attributes
        assert attributes.get("href", "#").startswith("#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_requests_and_every_script_but_its_own(page):
    policy = page.all("meta")[1]["content"]
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    assert len(page.scripts) == 1
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}';" in policy


def test_the_page_is_well_formed_and_its_links_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.unbalanced == []
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_the_same_data_gives_the_same_page(data, html):
    assert render_report(sample_report()) == html


HOSTILE = (
    "</q></style></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    "{{ 7*7 }}{% raw %}\x1b[31mred\x1b[0m\x00\u202egnp.exe"
)


def hostile_report(data: ReportData) -> ReportData:
    edits: list[Edit] = [Add(name=HOSTILE, description=HOSTILE), Remove(id=HOSTILE + "x")]
    version = Version.first().then(edits, author=Author.HUMAN, note=HOSTILE)
    taxonomy = Taxonomy(categories=(Category(id="c1", name=HOSTILE, description=HOSTILE),))
    example = Example(id=HOSTILE, text=HOSTILE, reason=HOSTILE)
    return replace(
        data,
        use_case=HOSTILE,
        run=HOSTILE,
        source=HOSTILE,
        model=HOSTILE,
        model_reason=HOSTILE,
        encoder=HOSTILE,
        tnt_version=HOSTILE,
        taxonomy=taxonomy,
        counts={"c1": 5, None: 1},
        examples={"c1": [example], None: [example]},
        versions=[version],
        usage={HOSTILE: Usage(1, 1)},
        suspects=[SuspectItem(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        failures=[FailureItem(HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        settings={HOSTILE: HOSTILE},
        notes=[HOSTILE],
    )


def test_whatever_stands_in_the_data_stays_text(data):
    page = read(hostile_report(data))
    assert len(page.scripts) == 1
    assert page.unbalanced == []
    assert not page.all("img")
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    assert page.text.count("<script>alert(1)</script>") >= 20
    assert "{{ 7*7 }}" in page.text


def test_escape_sequences_and_control_characters_are_gone_everywhere(data):
    html = render_report(hostile_report(data))
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    # An edit's own words were cleaned when it was applied, character by character.
    assert "[31m" not in render_report(replace(hostile_report(data), versions=[]))


def test_half_a_surrogate_pair_can_be_written(data):
    html = render_report(replace(data, examples={None: [Example("x\ud83d", "lone \ud83d half")]}))
    assert "lone \ufffd half" in html.encode("utf-8").decode("utf-8")


def test_a_huge_document_is_shown_by_its_beginning(data):
    huge = replace(data, examples={None: [Example("big", "word " * 200_000)]})
    assert len(render_report(huge)) < len(render_report(data)) + 1_000


def test_an_empty_document_is_shown_as_such(data):
    assert "(empty)" in read(replace(data, examples={None: [Example("7", " \n ")]})).text


def test_right_to_left_text_finds_its_own_direction(data):
    page = read(replace(data, examples={None: [Example("7", "أين حقيبتي؟")]}))
    assert "أين حقيبتي؟" in page.text
    assert {quote.get("dir") for quote in page.all("q")} == {"auto"}


def test_a_run_that_found_nothing_still_has_a_report(data):
    bare = replace(
        data,
        taxonomy=Taxonomy(),
        counts={None: 240},
        examples={},
        by_source={},
        versions=[Version.first()],
        loop=[],
        classifier=None,
        usage={},
        failures=[],
        failure_count=0,
        settings={},
        notes=[],
    )
    page = read(bare)
    for words in (
        "There are no categories: every text is undefined.",
        "No edits were recorded.",
        "None was trained.",
        "No call was paid for.",
        "No failures",
    ):
        assert words in page.text
    assert page.unbalanced == []
    assert not page.all("svg")


def test_a_corpus_without_documents_divides_by_nothing(data):
    page = read(replace(data, documents=0, counts={}, examples={}, taxonomy=Taxonomy()))
    assert "0 % of the texts fit" in page.text


def test_a_parent_sums_up_its_children_and_counts_no_category_twice(data):
    taxonomy = Taxonomy(
        categories=(
            Category(id="p", name="Before the flight", description="All before."),
            Category(id="x", name="Booking", description="Bookings.", parent="p"),
            Category(id="y", name="Check-in", description="Check-ins.", parent="p"),
            Category(id="z", name="Meals", description="Food."),
        )
    )
    nested = replace(data, documents=100, taxonomy=taxonomy, counts={"x": 12, "y": 30, "z": 50, None: 8})
    page = read(nested)
    assert "Before the flight 42 42 %" in page.text
    assert page.text.index("Check-in 30") < page.text.index("Booking 12")
    assert "3 categories" in page.text
    assert "Categories of their own" in page.text
    assert page.unbalanced == []
    assert nested.labelled == 92


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (42.4, "42 s"), (372, "6 min 12 s"), (7500, "2 h 05 min"), (-5, "0 s")],
)
def test_times_are_in_words(data, seconds, words):
    page = read(replace(data, finished=data.started + timedelta(seconds=seconds)))
    assert f"the run took {words} from start" in page.text


@pytest.mark.parametrize(
    ("labelled", "words"),
    [(0, "0 %"), (1, "<1 %"), (500, "50 %"), (999, ">99 %"), (1000, "100 %")],
)
def test_a_share_is_not_called_all_or_nothing_unless_it_is(data, labelled, words):
    category = data.taxonomy.ids[0]
    page = read(replace(data, documents=1000, counts={category: labelled, None: 1000 - labelled}))
    assert f"{words} of the texts fit one of them" in page.text


@pytest.mark.parametrize(
    ("tokens", "words"), [(812, "812"), (9_800, "9 800"), (1_204_000, "1.2 M"), (3_100_000_000, "3.1 G")]
)
def test_token_totals_are_short(data, tokens, words):
    assert f"{words} tokens spent" in read(replace(data, usage={"labeler": Usage(1, tokens)})).text


# Wording of edits


def worded(*edits: Edit, start: tuple[str, ...] = ("Seats", "Food", "Pets")) -> list[str]:
    before = Version.first().then(
        [Add(name=name, description=f"About {name}.") for name in start], author=Author.MODEL
    )
    after = before.then(edits, author=Author.MODEL)
    assert after.refused == ()
    return [line.text for line in word_version(after, before.taxonomy)[0]]


def test_each_kind_of_edit_is_a_sentence_with_names():
    assert worded(
        Add(name="Drinks", description="To drink.", parent="Food"),
        Redefine(id="Seats", description="Where people sit."),
        Redefine(id="Pets", exemplars=(3, 4)),
        Move(id="Seats", parent="Pets"),
        Move(id="Seats", parent=None),
        Remove(id="Drinks"),
    ) == [
        "Add “Drinks” under “Food”",
        "Reword “Seats”",
        "Choose other examples for “Pets”",
        "Move “Seats” under “Pets”",
        "Move “Seats” to the top",
        "Remove “Drinks”",
    ]


def test_a_category_that_came_and_went_in_one_version_is_named_too():
    lines = worded(
        Split(
            id="Seats",
            parts=(Part(name="Legroom", description="Room."), Part(name="Recline", description="Backs.")),
        ),
        Add(name="Snacks", description="Small food."),
        Merge(ids=("Food", "Snacks", "Recline")),
    )
    assert lines == [
        "Split “Seats” into “Legroom” and “Recline”",
        "Add “Snacks”",
        "Merge “Food”, “Snacks” and “Recline” into “Food”",
    ]


# The loop's charts


def points(*values: float, trial: int = 0, epoch_of: int = 100) -> list[LoopPoint]:
    return [LoopPoint(trial, i // epoch_of, 5 + i, value, value / 2) for i, value in enumerate(values)]


def coordinates(text: str) -> list[tuple[float, float]]:
    return [tuple(map(float, pair.split(","))) for pair in text.split()]  # type: ignore[misc]


def test_every_point_lies_within_its_panel(data):
    for panel in loop_panels(data.loop, 0):
        for line in panel.lines:
            for x, y in coordinates(line.points):
                assert panel.left <= x <= panel.right < WIDTH
                assert panel.top - 0.1 <= y <= panel.bottom + 0.1 < HEIGHT


def test_a_larger_value_is_drawn_higher():
    residual = loop_panels(points(0.5, 0.3, 0.4), 0)[1]
    heights = [-y for _, y in coordinates(residual.lines[0].points)]
    assert sorted(range(3), key=heights.__getitem__) == [1, 2, 0]


def test_the_chosen_trial_is_drawn_last_and_is_the_only_one_marked():
    panel = loop_panels([*points(0.5, 0.4), *points(0.6, 0.5, trial=1), *points(0.3, 0.2, trial=2)], 1)[0]
    assert [(line.trial, line.chosen) for line in panel.lines] == [(1, False), (3, False), (2, True)]


def test_without_a_choice_the_first_trial_stands_for_the_loop():
    assert [line.chosen for line in loop_panels(points(0.5, 0.4), None)[0].lines] == [True]


def test_a_new_epoch_is_marked_between_its_minibatches():
    panel = loop_panels(points(0.5, 0.4, 0.3, 0.2, epoch_of=2), 0)[0]
    (turn,) = panel.epochs
    places = [x for x, _ in coordinates(panel.lines[0].points)]
    assert places[1] < turn < places[2]


def test_what_was_not_measured_has_no_panel():
    counted = [LoopPoint(0, 0, 4), LoopPoint(0, 0, 5)]
    assert [panel.title for panel in loop_panels(counted, 0)] == ["Categories"]


def test_a_value_that_is_no_number_is_left_out():
    panels = loop_panels([*points(0.5, float("nan"), 0.3), *points(float("nan"), trial=1)], 0)
    assert [len(coordinates(line.points)) for line in panels[1].lines] == [2]


def test_one_minibatch_is_a_point_in_the_middle():
    panel = loop_panels(points(0.5), 0)[0]
    assert panel.lines[0].end[0] == pytest.approx((panel.left + panel.right) / 2, abs=0.1)


def test_no_points_no_panels():
    assert loop_panels([], None) == ()


def test_several_trials_are_explained_under_the_charts(data, page):
    assert "The loop ran 3 times" in page.text
    assert "The loop ran" not in read(replace(data, loop=points(0.5, 0.4))).text


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.booleans())
def test_ticks_are_few_rise_and_hold_the_values(one, other, whole):
    low, high = sorted((round(one, 3), round(other, 3)))
    ticks = nice_ticks(low, high, whole=whole)
    assert 2 <= len(ticks) <= 6
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low + 1e-6
    assert ticks[-1] >= high - 1e-6
    assert not whole or all(tick == int(tick) for tick in ticks)


# Text from outside


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x07c\x7fd\x9be", "abcde"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("safe\u202egpj.exe\u2069", "safegpj.exe"),
        ("\ufeffstart \ud800", "start \ufffd"),
        ("👩\u200d🚀 naïve \u200fעברית", "👩\u200d🚀 naïve \u200fעברית"),
    ],
)
def test_plain_leaves_what_people_read(given_text, shown):
    assert plain(given_text) == shown


def test_shorten_cuts_at_a_word():
    assert shorten("the quick brown fox jumps", 16) == "the quick …"
    assert shorten("short  enough\n", 16) == "short enough"
    assert shorten("x" * 50, 10) == "x" * 8 + " …"


def test_shorten_says_so_when_it_left_out_what_follows_long_blanks():
    assert shorten("word" + " " * 1_000 + "more", 20) == "word …"


@given(st.text(), st.integers(5, 60))
def test_shortened_text_fits(text, width):
    short = shorten(text, width)
    assert len(short) <= width
    assert "\n" not in short
