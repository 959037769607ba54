"""What stands around the package holds together: links lead somewhere, the workflow calls the project's commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jupytext.sync_contentsmanager import TextFileContentsManager

import tutorial_pkg as tp
from book.notebooks import KERNEL

ROOT = Path(__file__).parents[1]
PAGES = [p for folder in (".", "book", "data", "tests/benchmarks") for p in sorted((ROOT / folder).glob("*.md"))]
WORKFLOW = ROOT / ".github" / "workflows" / "book.yml"


def without_code(text):
    return re.sub(r"^(`{3,})(?!\{(?:admonition|figure)).*?^\1$|`[^`\n]*`", "", text, flags=re.M | re.S)


def anchors(path):
    """The anchors of a page's headings, as code hosts and the book write them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def test_the_workflow_is_one_by_its_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_workflow_runs_what_make_unit_runs():
    recipe = re.search(r"^unit:.*\n\t\$\(RUN\) (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    assert recipe[1] in WORKFLOW.read_text()


def test_every_command_of_the_readme_and_the_guide_is_a_target():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = "".join(
        (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "tests/benchmarks/README.md")
    )
    assert set(re.findall(r"\bmake ([a-z]+)\b", texts)) <= targets | {"sure"}


def test_the_readmes_code_runs_on_a_table_of_its_columns(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    names = {"table": tp.simulate_sellers(600, seed=5, n_covariates=15).data.frame}
    exec(code, names)
    said = capsys.readouterr().out
    for words in ("ATE = ", "ATT = ", "ATC = ", "% of E[Y0]", "toys"):
        assert words in said
    again = tp.load_nuisances("nuisances.npz", names["data"])
    assert tp.estimate_ate(again).value == tp.estimate_ate(names["nuisances"]).value


@pytest.mark.parametrize(
    "page", [p for p in PAGES if "{code-cell}" in p.read_text() and p.parent.name == "book"], ids=lambda p: p.stem
)
def test_jupyterlab_saves_a_chapter_as_it_is_committed(page, tmp_path):
    for file in (page, ROOT / "jupytext.toml"):
        shutil.copy(file, tmp_path)
    contents = TextFileContentsManager(root_dir=str(tmp_path))
    model = contents.get(page.name, type="notebook")
    model["content"]["metadata"] |= KERNEL  # as JupyterLab does when it opens a notebook
    contents.save(model, page.name)
    assert (tmp_path / page.name).read_text() == page.read_text(), "`make format` brings it into this form"
