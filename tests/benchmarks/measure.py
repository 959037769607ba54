"""Runs one job in a fresh process and tells its processor time, seconds and peak memory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tutorial_pkg.archive import provenance

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"

_FRAME = """
import json, time
from pathlib import Path
import tutorial_pkg as tp

def status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field + ":"))) / 1024

also = {{}}
{setup}
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew, without what the setup took
before, cpu, wall = status("VmRSS"), time.process_time(), time.perf_counter()
{job}
cpu, wall, peak = time.process_time() - cpu, time.perf_counter() - wall, status("VmHWM")
print(json.dumps({{"processor seconds": cpu, "seconds": wall, "peak MB": peak, "added MB": peak - before, **also}}))
"""


def measure(job: str, setup: str = "", root: Path = ROOT) -> dict[str, float]:
    """Processor seconds, seconds and peak memory of ``job`` after ``setup``, one thread a library (Linux only).

    ``root`` is the checkout whose package is measured; what ``job`` puts into the dict ``also`` is returned too.

    "peak MB" is the resident memory of the whole process, "added MB" what the job adds to it at its peak.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | {"PYTHONPATH": str(root)}
    code = _FRAME.format(job=job, setup=setup)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=os.environ | threads, capture_output=True, text=True, cwd=root
    )
    if run.returncode:
        raise RuntimeError(run.stderr[-2000:])
    return json.loads(run.stdout.strip().splitlines()[-1])


def keep(name: str, results: dict) -> None:
    """Write results beside the benchmarks, with versions, machine and date."""
    RESULTS.mkdir(exist_ok=True)
    stamped = {"provenance": provenance(), "results": results}
    (RESULTS / f"{name}.json").write_text(json.dumps(stamped, indent=1) + "\n")


class Clock:
    """Sums processor time by label: ``with clock("fits"): ...``."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, label: str) -> "Clock":
        self._label = label
        return self

    def __enter__(self) -> None:
        self._start = time.process_time()

    def __exit__(self, *_: object) -> None:
        spent = time.process_time() - self._start
        self.seconds[self._label] = self.seconds.get(self._label, 0.0) + spent
