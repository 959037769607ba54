"""Quizzes have one right option, and an answer to each; every chapter asks some."""

import re
from pathlib import Path

import pytest

from book.quizzes import in_markdown, options

BOOK = Path(__file__).parents[1] / "book"
QUIZ = re.compile(r"^```\{quiz\} ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BODY = "+ One.\n  Yes, one.\n- Two.\n  Too\n  many.\n- Three.\n  Far too many.\n"


def test_a_quiz_is_read_option_by_option():
    assert [tuple(option) for option in options(BODY)] == [
        (True, "One.", "Yes, one."),
        (False, "Two.", "Too many."),
        (False, "Three.", "Far too many."),
    ]
    text = in_markdown("How many?", BODY)
    assert (
        text.index("- a) One.")
        < text.index("<details>")
        < text.index("- a) Right: Yes, one.")
        < text.index("- b) No: ")
    )


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (BODY.replace("+", "-"), "one right option"),
        (BODY.replace("- Two", "+ Two"), "one right option"),
        ("+ One.\n  Yes.\n- Two.\n  No.\n", "at least two wrong"),
        (BODY + "- Four.\n", "an indented answer each"),
        ("Something else.\n" + BODY, "Something else"),
    ],
)
def test_a_quiz_that_could_not_be_answered_is_refused(body, complaint):
    with pytest.raises(ValueError, match=complaint):
        options(body)


@pytest.mark.parametrize(
    "path", sorted(p for p in BOOK.glob("*.md") if "{quiz}" in p.read_text()), ids=lambda p: p.stem
)
def test_the_quizzes_of_a_chapter_can_be_answered(path):
    found = QUIZ.findall(path.read_text())
    assert len(found) == path.read_text().count("{quiz}")
    assert 3 <= len(found) <= 5
    places = {[option.right for option in options(body)].index(True) for _, body in found}
    assert len(places) > 1, "the right option always stands at the same place"
    for question, body in found:
        texts = [option.text for option in options(body)]
        assert question.endswith("?")
        assert "`" not in question, "in a line that opens a fence it would close it"
        assert len(set(texts)) == len(texts)
        longest = max(texts, key=len)
        assert not re.search(r"\d\.\d", question + body), "numbers come from the chapter: {glue:text}"
        assert len(longest) < 160
