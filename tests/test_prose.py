"""What a chapter glues is what its prose shows."""

import numpy as np

import tutorial_pkg as tp
from tutorial_pkg import prose


def test_an_estimate_is_glued_with_its_error_and_limits_and_truth_as_a_word(monkeypatch):
    stored = {}
    monkeypatch.setattr("myst_nb.glue", lambda key, value, display: stored.__setitem__(key, value))
    estimate = tp.Estimate(2.0, 0.5, "ATE", "m", 10)
    prose.glue(ate=estimate, found=np.bool_(True), lost=False, many=np.int64(3), half=np.float32(0.5), who="toys")
    lower, upper = estimate.conf_int()
    assert stored == {
        "ate": 2.0, "ate_se": 0.5, "ate_lower": lower, "ate_upper": upper,
        "found": "yes", "lost": "no", "many": 3, "half": 0.5, "who": "toys",
    }  # fmt: skip
    assert type(stored["many"]) is int


def test_a_figure_made_of_html_is_glued_as_it_is(monkeypatch):
    class Figure:
        def _repr_html_(self):
            return "<svg></svg>"

    stored, figure = {}, Figure()
    monkeypatch.setattr("myst_nb.glue", lambda key, value, display: stored.__setitem__(key, value))
    prose.glue(figure=figure)
    assert stored["figure"] is figure
