"""The set-up check finds what is wrong with a computer and says what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from tutorial_pkg.workshop import readiness

ROOT = Path(__file__).parents[1]


def test_this_computer_is_ready_and_the_command_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "tutorial_pkg.workshop"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    lines = done.stdout.splitlines()
    assert [line[:4] for line in lines[:-1]] == ["OK  "] * 6, done.stdout
    assert (lines[-1], done.returncode, done.stderr) == ("Ready.", 0, "")


def failing(monkeypatch, name):
    """The item of that name, the others left out."""
    for other in ("python", "packages", "machine", "data", "boosting", "chapter"):
        if other != name:
            monkeypatch.setattr(readiness, other, lambda *_: "fine")
    bad = [item for item in readiness.look() if not item.ok]
    assert len(bad) == 1
    return str(bad[0])


def test_another_python_is_named_with_those_that_serve(monkeypatch):
    monkeypatch.setattr(readiness, "PYTHONS", ((2, 6), (2, 7)))
    text = failing(monkeypatch, "python")
    assert text.startswith("FAIL  Python: 3.")
    assert "install Python 2.6 to 2.7" in text


def test_packages_that_differ_from_the_lock_are_named(monkeypatch):
    real = readiness.version

    def version(name):
        if name == "econml":
            raise readiness.PackageNotFoundError(name)
        return "0.0.1" if name == "doubleml" else real(name)

    monkeypatch.setattr(readiness, "version", version)
    text = failing(monkeypatch, "packages")
    assert "doubleml is 0.0.1, not " in text
    assert "econml is not installed" in text
    assert "uv sync" in text


def test_a_small_computer_is_told_what_the_chapters_want(monkeypatch):
    monkeypatch.setattr(readiness, "MEMORY", 1e6)
    assert "the chapters want 1000000 GB of memory" in failing(monkeypatch, "machine")


@pytest.mark.parametrize("fault", ["other bytes", "gone", "no sums"])
def test_data_that_are_not_those_published_are_named(monkeypatch, tmp_path, fault):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    spoiled = tmp_path / "data" / ("SHA256SUMS" if fault == "no sums" else "nhefs.parquet")
    spoiled.write_bytes(b"no") if fault == "other bytes" else spoiled.unlink()
    monkeypatch.setattr(readiness, "data_folder", lambda: tmp_path / "data")
    text = failing(monkeypatch, "data")
    assert spoiled.name in text
    assert "copy the folder `data` again" in text


def test_lightgbm_without_the_systems_library_says_what_to_install(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "lightgbm":
                raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    for name in [name for name in sys.modules if name.split(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    text = failing(monkeypatch, "boosting")
    assert "apt install libgomp1" in text


def test_without_the_chapters_one_is_sent_to_their_folder(tmp_path):
    with pytest.raises(readiness.Missing, match="whole_game is not in"):
        readiness.chapter(tmp_path)


def test_a_chapter_that_fails_is_told_with_its_error(tmp_path):
    cells = [nbformat.v4.new_code_cell("import no_such_package")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "whole_game.ipynb")
    with pytest.raises(readiness.Missing, match="no_such_package"):
        readiness.chapter(tmp_path)


def test_whatever_else_goes_wrong_the_next_items_are_looked_at(monkeypatch):
    def broken():
        raise RuntimeError("no reason")

    monkeypatch.setattr(readiness, "machine", broken)
    assert "RuntimeError: no reason" in failing(monkeypatch, "machine")


def test_every_file_of_data_that_is_not_text_has_a_checksum():
    listed = {line.split()[1] for line in (ROOT / "data" / "SHA256SUMS").read_text().splitlines()}
    there = {path.name for path in (ROOT / "data").iterdir() if path.suffix in (".parquet", ".npz")}
    assert listed == there, "write it anew: cd data && sha256sum *.parquet *.npz > SHA256SUMS"
    readiness.data()


def test_the_first_cells_are_there_to_be_run():
    code = [c for c in jupytext.read(ROOT / "book" / "whole_game.md").cells if c.cell_type == "code"]
    assert len(code) > readiness.N_CELLS
