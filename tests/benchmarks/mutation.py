"""How many small wrongs do the tests notice? Mutants of the numeric modules, by mutmut: `python -m tests.benchmarks.mutation`.

mutmut makes small wrongs: another operator, another constant, an argument left out. A sample of those that may
change a number, not only words, is put into a copy of the package, one at a time, and the tests that reach the changed
function are run. The result lists what survives: results/mutation.json. Options: how many mutants a module, which
modules.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
from itertools import islice

from tests.benchmarks.measure import RESULTS, ROOT, keep

FOLDER = ROOT / "_build" / "mutation"
COPIED = ("tutorial_pkg", "tests", "data", "pyproject.toml")
MODULES = (
    "weighting", "folds", "estimate", "estimates", "nuisance", "crossfitting", "boosting", "handover", "effects", "cate",
    "policy", "naive", "diagnostics", "sensitivity", "validation", "truth", "scoreboard", "marketplace/model",
    "marketplace/covariates", "marketplace/population", "marketplace/simulate",
)  # fmt: skip
STRING = re.compile(r"""[rf]*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
HOW_IT_RUNS = re.compile(r",? ?\b(?:progress|n_jobs|strict|dtype|observed)=[\w.]+|, (?=\))")  # changes no number
CAUGHT = {"killed", "timeout", "suspicious", "segfault", "caught by type check"}


def mutmut(*arguments: str) -> str:
    """Run mutmut in the copy; its progress goes to a log."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
    command = [sys.executable, "-m", "mutmut", *arguments]
    run = subprocess.run(command, cwd=FOLDER, env=os.environ | threads, capture_output=True, text=True)
    with (FOLDER / "mutmut.log").open("a") as log:
        log.write(run.stdout[-4_000:] + run.stderr[-4_000:])
    if run.returncode or "failed to collect stats" in run.stdout:
        raise RuntimeError(f"mutmut {arguments[0]} stopped:\n{run.stdout[-4_000:]}{run.stderr[-2_000:]}")
    return run.stdout


def statuses() -> dict[str, str]:
    """The state of every mutant made so far."""
    lines = (
        line.strip().rsplit(": ", 1) for line in mutmut("results", "--all", "true").splitlines() if "__mutmut_" in line
    )
    return dict(lines)


def wrong(name: str) -> list[str]:
    """What a mutant changes: the lines before and after."""
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant  # reads its settings where it is imported

    diff = get_diff_for_mutant(name, path=find_mutant(name).path)
    return [line for line in diff.splitlines() if re.match(r"[-+](?![-+]{2} )", line)]


def changes_a_number(change: list[str]) -> bool:
    """Not where only the text of a string differs, what an error says, or how a computation is run."""
    told = [(line[0], HOW_IT_RUNS.sub("", STRING.sub("''", line[1:]))) for line in change]
    before, after = (" ".join(text for mark, text in told if mark == sign) for sign in "-+")
    return bool(change) and before != after and not before.strip().startswith(("raise ", "f''", "''", "assert "))


def report(sample: int) -> None:
    """Count and keep what was tried in the copy so far; to be called in its folder."""
    found: dict[str, dict] = {}
    for name, status in statuses().items():
        if status == "not checked" or not changes_a_number(change := wrong(name)):
            continue
        module = found.setdefault(module_of(name), {"tried": 0, "survived": {}})
        module["tried"] += 1
        if status not in CAUGHT:
            module["survived"][name] = change
    for module, one in found.items():
        print(f"{module:24} {one['tried'] - len(one['survived']):3} of {one['tried']:3} caught")
    tried = sum(one["tried"] for one in found.values())
    missed = sum(len(one["survived"]) for one in found.values())
    totals = {"sample": sample, "tried": tried, "caught": tried - missed, "share caught": 1 - missed / tried}
    keep("mutation", totals | {"modules": found})
    print(f"{1 - missed / tried:.1%} of {tried} mutants caught; what survived: {RESULTS.name}/mutation.json")


def module_of(name: str) -> str:
    return name.removeprefix("tutorial_pkg.").split(".x")[0].replace(".", "/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--a-module", type=int, default=40, help="mutants that are tried a module")
    parser.add_argument("--seed", type=int, default=0, help="which sample of mutants")
    parser.add_argument("--report", action="store_true", help="try nothing more; tell what was found so far")
    parser.add_argument("--modules", nargs="*", default=MODULES)
    options = parser.parse_args()
    if options.report:
        os.chdir(FOLDER)
        report(options.seed)
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, FOLDER / name)
    mutmut("run", "--max-children", "2", "tutorial_pkg.weighting.x_check_clipping__mutmut_1")  # makes all mutants
    by_module: dict[str, list[str]] = {}
    for name in statuses():
        by_module.setdefault(module_of(name), []).append(name)

    os.chdir(FOLDER)
    chosen: list[str] = []
    for module in options.modules:
        names = sorted(by_module[module])
        random.Random(f"{module} {options.seed}").shuffle(names)
        chosen += islice((name for name in names if changes_a_number(wrong(name))), options.a_module)
    mutmut("run", "--max-children", "2", *chosen)
    report(options.seed)


if __name__ == "__main__":
    main()
