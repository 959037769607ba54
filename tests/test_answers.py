"""A self-checking exercise tells right from wrong, and which of the usual mistakes it is, without holding the answer."""

import json

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import tutorial_pkg as tp
from tutorial_pkg.workshop import answers

WRONG = {"The sign is wrong.": -3.2, "That is the effect on everyone.": 4.1, "In per cent.": 320.0}


@pytest.fixture
def record():
    return answers.mark("ex-a", 3.2, asks="the effect on followers", hint="Only those with D = 1.", wrong=WRONG)


@pytest.mark.parametrize("answer", [3.2, np.float64(3.2), 3.2 * 1.008, 3.2 / 1.008, np.array(3.2)])
def test_the_right_answer_is_right_up_to_a_per_cent(record, answer):
    verdict = answers.judged(record, answer)
    assert verdict.right
    assert repr(verdict) == "✓ Right."


@pytest.mark.parametrize(("words", "answer"), WRONG.items())
def test_each_usual_mistake_is_named(record, words, answer):
    verdict = answers.judged(record, answer)
    assert not verdict.right
    assert verdict.words == words


def test_another_answer_gets_the_hint_and_the_stub_is_not_an_answer(record):
    for answer in (3.3, 3.1, 0.0, 1e9, "yes", True):
        assert answers.judged(record, answer).words == "Not that. Hint: Only those with D = 1."
    for stub in (None, ...):
        assert (
            answers.judged(record, stub).words == "Not answered yet: put the effect on followers in place of the dots."
        )


def test_an_estimate_counts_by_its_value_and_words_by_their_letters(record):
    estimate = tp.estimate.Estimate(3.2, 0.5, "ATT", "test", 100)
    assert answers.judged(record, estimate).right
    said = answers.mark("ex-b", True, asks="yes or no", hint="Look again.", wrong={"It does.": "no"})
    assert answers.judged(said, " Yes ").right
    assert answers.judged(said, False).words == "It does."


def test_the_answer_is_not_in_the_record(record):
    assert not [text for text in ("3.2", "4.1", "320") if text in json.dumps(record)]
    assert set(record["right"]).isdisjoint(set().union(*record["wrong"].values()))


def test_mistakes_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="cannot be told"):
        answers.mark("ex-a", 3.2, asks="", hint="", wrong={"Nearly.": 3.21})
    with pytest.raises(ValueError, match="cannot be told"):
        answers.mark("ex-a", 3.2, asks="", hint="", wrong={"One.": 5.0, "Another.": 5.0})


@pytest.mark.parametrize("answer", [[1, 2], np.nan, np.inf, {"a": 1}])
def test_what_is_no_answer_is_refused_in_words(record, answer):
    with pytest.raises(ValueError, match="one number, yes or no, or a word"):
        answers.judged(record, answer)


def test_answers_are_collected_under_the_exercises_numbers(record, tmp_path, monkeypatch):
    def chapter(*labels, marked=()):
        text = "\n\n".join(f"```{{exercise}} Title\n:label: {label}\nText\n```" for label in labels)
        output = [new_output("display_data", data={answers.MIME: record | {"label": label}}) for label in marked]
        return new_notebook(cells=[new_markdown_cell(text), new_code_cell("", outputs=output)])

    notebooks = {"one": chapter("ex-x"), "two": chapter("ex-y", "ex-a", marked=["ex-a"])}
    path = tmp_path / "answers.json"
    found = answers.collect(notebooks)
    assert list(found) == ["2.2"]
    answers.save(found, path)
    monkeypatch.setattr(answers, "COLLECTED", path)
    assert tp.workshop.check("2.2", 3.2).right
    with pytest.raises(ValueError, match=r"Exercise '1.1' does not check itself; these do: 2.2\."):
        tp.workshop.check("1.1", 3.2)
