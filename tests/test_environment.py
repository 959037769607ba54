"""environment.yml and uv.lock name the same versions."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_conda_users_get_exactly_the_locked_versions():
    pins = re.findall(r'^    - "([\w.-]+)==([\w.+!-]+)', (ROOT / "environment.yml").read_text(), re.MULTILINE)
    assert set(pins) == locked_for_readers(), "environment.yml is out of date: run `make environment`"


def locked_for_readers():
    """(name, version) of all that `tutorial-pkg[book]` needs, on any platform, according to the lock."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    waiting, seen = [{"name": "tutorial-pkg", "extra": ["book"]}], []
    while waiting:
        need = waiting.pop()
        if need in seen:
            continue
        seen.append(need)
        for package in packages:
            if package["name"] == need["name"] and package["version"] == need.get("version", package["version"]):
                waiting += package.get("dependencies", [])
                for extra in need.get("extra", []):
                    waiting += package.get("optional-dependencies", {}).get(extra, [])
    names = {need["name"] for need in seen} - {"tutorial-pkg"}
    chosen = {(need["name"], need["version"]) for need in seen if "version" in need}
    forked = {name for name, _ in chosen}
    return chosen | {(p["name"], p["version"]) for p in packages if p["name"] in names - forked}
