"""Words with their definitions: one place says what each means, and a page leads to it where the word first stands."""

import re
from html import unescape

import pytest

from kdprobe.core.glossary import TERMS
from kdprobe.core.section import Card, Content
from kdprobe.report.page import compose
from kdprobe.report.terms import Terms


def links(text):
    return re.findall(r'href="#([^"]+)"(?: title="[^"]+")?>([^<]+)<', text)


def test_the_longest_name_is_the_word():
    terms = Terms()
    found = terms("labelled and transfer rows, transfer rows, same rows; sibling teachers and siblings")
    assert links(found) == [
        ("word-labelled-and-transfer-rows", "labelled and transfer rows"), ("word-transfer-rows", "transfer rows"),
        ("word-same-rows", "same rows"), ("word-sibling", "sibling teachers"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["entwined", "again", "twin-8", "uncontrolled", "against", "A teacher at T 2"])
def test_parts_of_words_and_names_are_no_words(text):
    terms = Terms()
    assert terms(text) == text
    assert terms.met == []


def test_a_word_is_linked_once_in_each_part_of_a_page():
    terms = Terms()
    assert len(links(terms("a gain, and a gain"))) == 1
    assert links(terms("Gains")) == []
    terms.afresh()
    again = terms("Gains")
    assert links(again) == [("word-gain", "Gains")]
    assert "title" not in again


def test_what_stands_around_a_word_is_escaped():
    assert Terms()("<i>twin</i> & 'x'").startswith('&lt;i&gt;<a class="term" ')
    assert Terms()("<i>twin</i> & 'x'").endswith("&lt;/i&gt; &amp; &#39;x&#39;")


@pytest.mark.parametrize("term", [term for term in TERMS if term.name not in ("teacher", "T")])
def test_each_name_is_found_and_leads_to_its_definition(term):
    page = compose("Q?", f"This is {term.name}.", [])
    assert links(page) == [(term.place, term.name)]
    assert page.count(f'id="{term.place}"') == 1
    listed = page[page.index(f'id="{term.place}"') :]
    assert term.says in unescape(listed.partition("</div>")[0])


def test_definitions_are_sentences_of_words_that_have_their_own():
    assert len({term.place for term in TERMS}) == len(TERMS)
    for term in TERMS:
        assert not term.says.endswith(".")
        assert 20 < len(term.says) < 150


def test_a_page_without_such_words_has_no_list():
    assert "What do the words mean?" not in compose("Q?", "Nothing of the kind.", [("s", "S?", Content(words=("Nor here.",)))])


def test_an_answer_has_its_own_part_below_it_and_what_to_run_next():
    card = Card(headline="h", findings=(), answer="Teach: a gain.", own="Not shown of siblings.")
    page = compose("Q?", "l", [("s", "S?", Content(cards=(card,)))], details=("Over seeds.",))
    text = re.sub(r"<[^>]+>", "", page[page.index("<dl") : page.index("</dl>")])
    assert text.split("\n")[1:4] == ["h", "Teach: a gain.", "This teacher’s own knowledge? Not shown of siblings."]
    assert "<summary>How it was trained and read</summary><p>Over seeds.</p>" in page
