"""Names: written down one way, compared loosely, refused when they say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomies import FAST
from tnt_llm.taxonomy.names import is_vague, normalise_name, one_line, quoted, same_name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Late   delivery ", "Late delivery"),
        ("Late\n\tdelivery\x00", "Late delivery"),
        ('"Late delivery"', "Late delivery"),
        ("**Late delivery**", "Late delivery"),
        ("“Late delivery”:", "Late delivery"),
        ("Late delivery.", "Late delivery"),
        ("U.S.", "U.S."),
        ("Cafe\u0301", "Café"),
        ("\ufeffPrix", "Prix"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("C++", "C++"),
        ("🎉", "🎉"),
        ("?!", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_name_is_kept_on_one_line_without_its_wrapping(written: str, kept: str) -> None:
    assert normalise_name(written) == kept


@FAST
@given(st.text(max_size=20))
def test_normalising_twice_is_normalising_once(name: str) -> None:
    assert normalise_name(normalise_name(name)) == normalise_name(name)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Refunds", "refund"),
        ("Sign-ups", "sign up"),
        ("Log-in", "Logins"),
        ("Late  delivery!", "late deliveries"),
        ("Q&A", "Q and A"),
        ("Customer's boxes", "customers box"),
        ("Houses", "house"),
        ("Bonuses", "bonus"),
        ("Batches", "batch"),
        ("Lost people", "Lost person"),
        ("STRASSE", "straße"),
        ("ＡＰＩ", "api"),
    ],
)
def test_case_spacing_punctuation_and_number_make_no_other_name(a: str, b: str) -> None:
    assert same_name(a, b)
    assert same_name(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Car insurance", "Care insurance"),
        ("C++", "C#"),
        ("C", "C#"),
        ("Bus", "Bush"),
        ("Princess", "Princes"),
        ("Billing", "Billing errors"),
        ("A", "As"),
        ("€ prices", "$ prices"),
        ("कमल", "कमला"),
        ("Refunds", ""),
    ],
)
def test_other_words_make_another_name(a: str, b: str) -> None:
    assert not same_name(a, b)
    assert not same_name(b, a)


@pytest.mark.parametrize(
    "name",
    """
    Other|OTHERS|General|Misc.|Miscellaneous|Unclear|Undefined|Various|Uncategorized|N/A|None|Unknown
    Other issues
    General inquiries|General Enquiry|Miscellaneous requests|Various topics|Unclear messages|Other/General
    Other (miscellaneous)|General customer support|Other customer issues|General information
    Uncategorised items
    Everything else|None of the above|Not applicable|Off-topic|Catch-all|Topic 3|Category 12
    The other questions
    Sonstiges|Autres|Otros|その他|?!|
    """.replace("\n", "|").split("|"),
)
def test_a_name_that_says_nothing_is_vague(name: str) -> None:
    assert is_vague(name.strip())


@pytest.mark.parametrize(
    "name",
    """
    General Ledger|Other income tax|Unknown charges|General medicine|Various artists|Mixed reality
    Undefined behaviour
    Question|Complaints|Requests|Customer support|Feedback|Generic drugs|Unclear invoices
    General anaesthesia
    Topic modelling|5G|2024|Season 3|Refund issues|Non-profit|Additional driver fees|Otherworldly fiction
    """.strip()
    .replace("\n", "|")
    .split("|"),
)
def test_a_name_that_says_something_is_not_vague(name: str) -> None:
    assert not is_vague(name.strip())


def test_one_line_leaves_no_control_character_and_no_run_of_blanks() -> None:
    assert one_line(" a\x1b[31m\r\nb \u00a0 c\u200b") == "a [31m b c"


def test_a_long_text_is_cut_where_it_is_quoted() -> None:
    assert quoted("a\nb") == '"a b"'
    assert quoted("x" * 50, limit=10) == '"xxxxxxx..."'
