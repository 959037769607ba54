"""Sphinx extension: a question with options, each of which answers when it is chosen; no script, no server.

In a chapter, one right option (+) and at least two wrong ones (-), each with its answer indented below it::

    ```{quiz} What does the difference in means contain besides the effect?
    + What the two groups differ by anyway.
      This is selection bias.
    - The errors of the models.
      A difference in means has no models.
    - Nothing.
      Then followers would have to be like the others.
    ```

The page shows radio buttons in a fieldset; the answer to the chosen option appears below it, and is read aloud. Print and
notebooks list the options and then the answers.
"""

import re
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

OPTION = re.compile(r"^([+-]) (.+?)\n((?:[ \t]+\S.*\n?)+)", re.MULTILINE)


class Option(NamedTuple):
    """An option: whether it is right, its words, and what is said to who chose it."""

    right: bool
    text: str
    answer: str


def options(body):
    """The options of a quiz, in order; refuses what could not be answered."""
    found = [Option(sign == "+", text.strip(), " ".join(answer.split())) for sign, text, answer in OPTION.findall(body)]
    if OPTION.sub("", body).strip():
        raise ValueError(f"a quiz has options with an indented answer each, and not {OPTION.sub('', body).strip()!r}")
    if len(found) < 3 or sum(option.right for option in found) != 1:
        raise ValueError("a quiz needs one right option (+) and at least two wrong ones (-)")
    return found


def spoken(option):
    """The answer with its verdict."""
    return f"{'Right' if option.right else 'No'}: {option.answer}"


def in_markdown(question, body):
    """A quiz in plain Markdown: question, options, and the answers folded."""
    found = list(zip("abcdefgh", options(body)))
    asked = "\n".join(f"- {letter}) {option.text}" for letter, option in found)
    answers = "\n".join(f"- {letter}) {spoken(option)}" for letter, option in found)
    return f"**Quiz.** {question}\n\n{asked}\n\n<details><summary>Answers</summary>\n\n{answers}\n\n</details>"


class Quiz(SphinxDirective):
    """The directive ``quiz``."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True

    def run(self):
        """The question for the page, and for print."""
        try:
            found = options("\n".join(self.content) + "\n")
        except ValueError as error:
            raise self.error(str(error)) from error
        name = f"quiz-{self.env.docname.rpartition('/')[2]}-{self.env.new_serialno('quiz')}"
        page, print_ = addnodes.only(expr="html"), addnodes.only(expr="latex")
        page += [
            _html('<form class="quiz"><fieldset><legend>'),
            self._inline(self.arguments[0]),
            _html("</legend>"),
        ]
        for number, option in enumerate(found):
            page += [_html(f'<div class="option"><label><input type="radio" name="{name}" value="{number}"> ')]
            page += [self._inline(option.text), _html('</label><div aria-live="polite">')]
            page += [
                _html(f'<div class="answer {"right" if option.right else "wrong"}">'),
                self._inline(spoken(option)),
            ]
            page += [_html("</div></div></div>")]
        page += _html("</fieldset></form>")
        listed, answers = nodes.enumerated_list(enumtype="loweralpha", suffix=")"), nodes.paragraph()
        for letter, option in zip("abcdefgh", found):
            listed += nodes.list_item("", nodes.paragraph("", "", self._inline(option.text)))
            answers += [nodes.Text(f"{letter}) "), self._inline(spoken(option)), nodes.Text(" ")]
        print_ += [
            nodes.paragraph("", "", nodes.strong("", "Quiz. "), self._inline(self.arguments[0])),
            listed,
            answers,
        ]
        return [page, print_]

    def _inline(self, text):
        made, messages = self.state.inline_text(text, self.lineno)
        return nodes.inline("", "", *made, *messages)


def _html(text):
    return nodes.raw("", text, format="html")


def setup(app):
    """Register with Sphinx."""
    app.add_directive("quiz", Quiz)
    return {"parallel_read_safe": True}
