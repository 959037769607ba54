"""What was executed stays valid until the chapter, or a module it used, changes; broken links fail the build."""

from book import build


def test_a_chapter_is_stale_only_when_a_module_it_used_has_changed(notebooks, monkeypatch):
    cache, chapter = build._open_cache(), build._chapters()["sellers_question"]
    used = build._valid_record(cache, chapter).data["modules"]
    assert "tutorial_pkg/estimates.py" in used
    assert "tutorial_pkg/scoreboard.py" not in used
    real = build._hash
    for changed, still_valid in (("scoreboard.py", True), ("estimates.py", False)):
        monkeypatch.setattr(build, "_hash", lambda p, name=changed: "other" if p.name == name else real(p))
        assert (build._valid_record(cache, chapter) is not None) is still_valid


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here">1</a><a href="b.html#gone">2</a><img src="c.png">')
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="https://example.org">3</a><a href="#">4</a>')
    assert build._broken_links(tmp_path) == ["a.html: b.html#gone", "a.html: c.png"]
