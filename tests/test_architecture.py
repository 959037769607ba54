"""The package is built as ARCHITECTURE.md says: who imports whom, one job a module, no module too long."""

import ast
import inspect
import re
from pathlib import Path

import jupytext
import pytest

import tutorial_pkg as tp

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tutorial_pkg"
ROW = re.compile(r"^\| `([\w/]+\.py)` \| (.+) \|$", re.MULTILINE)
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
ROOMS = {
    part.splitlines()[0]: dict(ROW.findall(part)) for part in TEXT.split("\n## ")[1:] if ROW.search(part)
}  # title -> {module: job}, in the order of the page
ORDER = [module for room in ROOMS.values() for module in room]


def tree(module):
    return ast.parse((PACKAGE / module).read_text())


def imported(module):
    """The package's modules that a module imports, anywhere in it, also for type checking only."""
    names = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {name.removeprefix("tutorial_pkg.").replace(".", "/") for name in names if name.startswith("tutorial_pkg.")}
    return {m for f in files for m in (f"{f}.py", f"{f}/__init__.py") if (PACKAGE / m).is_file()}


def test_the_page_lists_every_module_once():
    there = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py")} - {"__init__.py"}
    assert sorted(ORDER) == sorted(there)


@pytest.mark.parametrize("module", ORDER)
def test_a_modules_job_is_the_first_line_of_its_docstring(module):
    job = next(room[module] for room in ROOMS.values() if module in room)
    assert (ast.get_docstring(tree(module)) or "").splitlines()[0] == job


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_from_those_above_it(module):
    """So there is no circle, nothing runs back up, and nothing for anyone's data needs a known truth."""
    above = set(ORDER[: ORDER.index(module)])
    assert imported(module) <= above


def test_what_needs_the_truth_comes_last():
    assert list(ROOMS)[-1] == "Where the truth is known"
    assert {"truth.py", "datasets.py", "scoreboard.py"} < set(ROOMS["Where the truth is known"])


def n_lines(module):
    return (PACKAGE / module).read_text().count("\n")


def test_the_thin_package_stays_thin_and_no_module_grows_long():
    assert sum(map(n_lines, ROOMS["The thin package"])) <= 2_000
    assert {module: n for module in ORDER if (n := n_lines(module)) > 300} == {}


# --- what is public -------------------------------------------------------------------------------------


def chapters():
    return sorted(p for p in (ROOT / "book").glob("*.md") if "{code-cell}" in p.read_text())


def dotted(node):
    """The names of an attribute such as tp.plots.plot_arms, from the module's alias on; empty for anything else."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return before and [*before, node.attr]
    return [node.id] if isinstance(node, ast.Name) and node.id == "tp" else []


def used_in(path):
    """Dotted names of the package that a chapter's code uses: "plots.plot_arms", "cross_fit"."""
    names = set()
    for cell in jupytext.read(path).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if parts := dotted(node):
                names.add(".".join(parts[1:]))
            if isinstance(node, ast.ImportFrom) and node.module.startswith("tutorial_pkg"):
                names |= {f"{node.module}.{alias.name}".removeprefix("tutorial_pkg.") for alias in node.names}
    return names - {""}


@pytest.mark.parametrize("path", chapters(), ids=lambda p: p.stem)
def test_a_chapter_uses_only_what_is_public_and_documented(path):
    for name in used_in(path):
        found = tp
        for part in name.split("."):
            assert not part.startswith("_"), name
            if not hasattr(found, part):  # an attribute of a result, such as tp.estimate_ate(...).value
                assert not inspect.ismodule(found), f"{path.name} uses tp.{name}, which does not exist"
                break
            found = getattr(found, part)
        if callable(found):
            assert inspect.getdoc(found), name


def public(module):
    """Public functions and classes that a module defines."""
    return [
        node
        for node in tree(module).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]


@pytest.mark.parametrize("module", ORDER)
def test_every_public_function_and_class_has_a_docstring(module):
    for node in public(module):
        assert ast.get_docstring(node), node.name


def test_every_name_of_the_stub_is_there_and_a_module_of_its_own_is_reached():
    for name in tp.__all__:
        assert getattr(tp, name) is not None
    assert {"cross_fit", "CausalData", "estimate_ate", "truth", "marketplace"} <= set(dir(tp))
    with pytest.raises(AttributeError, match="nowhere"):
        tp.nowhere  # noqa: B018


def test_the_version_is_that_of_the_project():
    assert f'version = "{tp.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {tp.__version__}" in (ROOT / "CHANGELOG.md").read_text()
