"""The instructor's guide: minutes add up and suffice, every slide shows what a chapter computed, and says something."""

import re

import pytest
from nbclient import NotebookClient

from book import slides, teaching
from book.build import glued, seconds_of_chapters
from book.notebooks import library_of
from book.teaching import PAGES, Block

PLANS = teaching.plans()
BLOCKS = sorted(path.stem.removeprefix("block_") for path in PAGES.glob("block_*.md"))
SPOKEN, READ, THOUGHT = 130, 200, 3  # words a minute, and minutes an exercise


@pytest.fixture(scope="module")
def library(notebooks):
    return library_of(notebooks, {name: glued(notebook) for name, notebook in notebooks.items()})


def words(text):
    return len(re.sub(r"\{glue:text\}`[^`]*`", "number", text).split())


@pytest.mark.parametrize("title", PLANS)
def test_the_minutes_of_a_plan_add_up(title):
    minutes, rows = PLANS[title]
    starts = [start for start, *_ in rows]
    ends = [start + taught + done for start, _, taught, done in rows]
    assert [0, *ends] == [*starts, minutes]
    assert minutes == {"Ninety minutes": 90, "Half a day": 180, "A day": 420}[title]


def test_the_shortest_plan_stands_on_the_whole_game_and_the_longest_has_every_block():
    names = {
        title: [what.name for _, what, *_ in rows if isinstance(what, Block)] for title, (_, rows) in PLANS.items()
    }
    assert "game" in names["Ninety minutes"]
    assert sorted(names["A day"]) == BLOCKS
    assert set(names["Ninety minutes"]) < set(names["Half a day"]) < set(names["A day"])


@pytest.mark.parametrize("name", BLOCKS)
def test_what_is_said_fits_into_the_minutes_of_teaching(name):
    block = teaching.read_block(name)
    spoken = sum(words(slide.said) for slide in block.slides) / SPOKEN + len(block.slides) / 2
    assert 0.4 * block.teaching < spoken < 0.95 * block.teaching


@pytest.mark.parametrize("name", BLOCKS)
def test_the_exercises_leave_time_to_read_to_run_and_to_think(name, library):
    """The chapter's cells at half the speed of the build, its exercises read, and minutes to think about each."""
    block, seconds = teaching.read_block(name), seconds_of_chapters()
    chapters = {
        chapter for chapter, text in library.texts.items() for label in block.do if f":label: {label}\n" in text
    }
    assert not block.do or chapters
    told = [
        re.search(rf":label: {label}\n(.*?)\n```", library.texts[c], re.DOTALL) for label in block.do for c in chapters
    ]
    read = sum(words(text[1]) for text in told if text) / READ
    assert read + 2 * sum(seconds[c] for c in chapters) / 60 + THOUGHT * len(block.do) <= block.exercises


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_has_everything_that_who_teaches_it_looks_for(name):
    text = (PAGES / f"block_{name}.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "Slides",
        "In the exercises",
        "Questions people ask",
        "Usual wrong turns",
        "For the fast",
        "If you are late",
    ]
    assert len(re.findall(r'^\*\*".+"\*\*', text, re.MULTILINE)) >= 4
    assert text.count("```{slide}") == len(teaching.read_block(name).slides) >= 2
    prose = re.sub(r"\{[a-z:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|\([^)]*\)", "", text)
    assert (
        re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", re.sub(r"\[[^\]]*\]", "", prose)) == []
    )  # numbers are the chapters'


@pytest.mark.parametrize("title", PLANS)
def test_the_slides_of_a_plan_show_what_the_chapters_computed(title, notebooks, library):
    deck = slides.Deck(notebooks, library).of(title, PLANS[title][1])
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in deck.cells]
    assert kinds.count("slide") == kinds.count("notes") > 10
    shown = [cell for cell, kind in zip(deck.cells, kinds) if kind == "-"]
    assert len(shown) == sum(
        bool(s.figure or s.cell) for _, b, *_ in PLANS[title][1] if isinstance(b, Block) for s in b.slides
    )
    assert all(cell.outputs for cell in shown)
    text = "\n".join(cell.source for cell in deck.cells if cell.cell_type == "markdown")
    assert re.findall(r"\{[\w:]+\}`|\]\(", text) == []
    assert "glue" not in "\n".join(cell.source for cell in deck.cells if cell.cell_type == "code")


def tables(deck):
    """All that a deck's cells show as HTML, whatever its spacing."""
    data = [output.get("data", {}) for cell in deck.cells for output in cell.get("outputs", [])]
    return {re.sub(r"\s+", " ", shown["text/html"]) for shown in data if "text/html" in shown}


@pytest.mark.slow
def test_the_slides_run_live_from_top_to_bottom(notebooks, library):
    """Those of the shortest plan, in which code comes from two chapters."""
    deck = slides.Deck(notebooks, library).of("Ninety minutes", PLANS["Ninety minutes"][1])
    before = tables(deck)
    NotebookClient(deck, timeout=300).execute()
    assert before <= tables(deck)


def test_mistakes_in_the_guide_are_named():
    with pytest.raises(ValueError, match="needs a line --- and below it what is said"):
        teaching.read_slide("A title", "Only words.\n")
    with pytest.raises(ValueError, match="take 10 minutes, and not 15"):
        teaching.schedule(["welcome"], 15)
    with pytest.raises(OSError, match="block_nothing"):
        teaching.schedule(["nothing"], 15)


def test_a_slide_that_shows_nothing_there_is_or_goes_back_is_refused(notebooks, library):
    def slide(**shows):
        return teaching.Slide("A title", shows.get("figure"), shows.get("cell"), "", "Said.")

    deck = slides.Deck(notebooks, library)
    with pytest.raises(ValueError, match="there is no cell 'fig-none' in any chapter"):
        deck.slide(slide(figure="fig-none"))
    deck.slide(slide(figure="fig-wg-truth"))
    with pytest.raises(ValueError, match="from before the slide in front of it"):
        deck.slide(slide(cell="whole_game naive = tp.naive"))
