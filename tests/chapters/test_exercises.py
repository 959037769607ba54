"""Exercises that check themselves: their digests are those of the executed chapters, and their stubs say what is asked."""

import json
import re

import pytest

from tutorial_pkg.workshop import answers

KNOWN = json.loads(answers.COLLECTED.read_text(encoding="utf-8"))


def test_the_digests_are_those_of_the_chapters(notebooks):
    """The chapters ran each solution and each wrong answer through its check; see `mark`."""
    found = answers.collect(notebooks)
    assert {number: record["label"] for number, record in found.items()} == {n: r["label"] for n, r in KNOWN.items()}
    for number, record in found.items():
        ours = KNOWN[number]
        assert {**record, "right": 0, "wrong": list(record["wrong"])} == {
            **ours,
            "right": 0,
            "wrong": list(ours["wrong"]),
        }
        assert set(record["right"]) & set(ours["right"]), f"{number}: run make book"
        for words, kept in record["wrong"].items():
            assert set(kept) & set(ours["wrong"][words]), f"{number}: {words}"


@pytest.mark.parametrize("number", KNOWN)
def test_a_stub_is_told_what_is_asked(number):
    verdict = answers.check(number, ...)
    assert not verdict.right
    assert KNOWN[number]["asks"] in verdict.words


@pytest.mark.parametrize("number", KNOWN)
def test_words_of_a_check_are_whole_sentences_and_hold_no_answer(number):
    record = KNOWN[number]
    assert len(record["wrong"]) >= 2
    for text in (record["hint"], *record["wrong"]):
        assert re.fullmatch(r"[^a-z\s].*[.?]", text), text
        for written in re.findall(r"-?\d+(?:\.\d+)?", text):
            assert not answers.judged(record, float(written)).right, text
