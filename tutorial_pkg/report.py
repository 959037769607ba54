"""A study as one page: no network, no other file, light and dark, on paper, and readable by a screen reader."""

import base64
import textwrap
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import matplotlib.pyplot as plt

from tutorial_pkg.archive import provenance
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.plots.study import plot_arms, plot_estimates
from tutorial_pkg.studies import WHOM, Study, amount, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PAGES = jinja2.Environment(  # everything from the user's table is escaped
    loader=jinja2.PackageLoader("tutorial_pkg"), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
)
MOST_GROUPS = 40
"""So many groups of a column are shown on a page."""


def write_page(study: Study, path: "str | Path") -> Path:
    """Write a study as one HTML page.

    Names and labels from the table are escaped, whatever they contain. The page is whole or not there at all.

    Raises
    ------
    ValueError
        When the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}; make it first.")
    partial = path.with_name(path.name + ".partial")
    partial.write_text(_PAGES.get_template("study.html.j2").render(**_contents(study)), encoding="utf-8")
    partial.replace(path)
    return path


def _contents(study: Study) -> dict[str, Any]:
    """What the template shows, as text and numbers in words."""
    data, words = study.data, study.effect.words
    answers = {"difference of means, naive": study.naive, f"effect on {WHOM[study.effect.estimand]}": study.effect}
    answers |= {"the same in per cent of what would have been": study.percent} if study.percent else {}
    answers |= {f"the same in {study.money.words.unit}": study.money} if study.money else {}
    compared = {"difference of means": study.naive, **{WHOM[e.estimand]: e for e in study.averages}}
    propensity = study.nuisances.propensity.mean(axis=1)
    label = f"how likely to be {data.arms[1]}"
    columns = study.prepared.left_out if study.prepared is not None else None
    return {
        "question": f"What did {words.treatment} do to {words.outcome}?",
        "n_rows": f"{data.n_rows:,}",
        "n_clusters": f"{data.clusters.max() + 1:,}" if data.clusters is not None else "",
        "cluster": data.cluster or "",
        "treated": f"{data.d.sum():,}",
        "arms": data.arms,
        "whom": WHOM[study.effect.estimand],
        "unit": words.unit,
        "grade": study.grade,
        "may": study.may_be_said,
        "may_not": study.may_not_be_said,
        "answers": [_row(what, estimate) for what, estimate in answers.items()],
        "figures": {
            "answers": _figure(lambda ax: plot_estimates(Estimates(compared), ax=ax), 2.6),
            "overlap": _figure(lambda ax: plot_arms(propensity, data.arm, label, ax=ax), 2.6),
        },
        "alts": {
            "answers": "; ".join(
                f"{name}: {_row('', e)['value']} ({_row('', e)['interval']})" for name, e in compared.items()
            ),
            "overlap": f"Distribution of the propensity in both arms: medians {_medians(study)}.",
        },
        "checks": study.checks,
        "hidden": _hidden(study),
        "groups": [_group(study, column) for column in study.groups],
        "outcome": words.outcome_in_unit,
        "treatment": words.treatment,
        "n_covariates": len(data.covariates),
        "covariates": data.covariates,
        "dropped": study.prepared.rows if study.prepared is not None else (),
        "left_out": [] if columns is None else [{"name": n, "why": w} for n, w in columns["why"].items()],
        "about": ""
        if study.effect.estimand == "ATE"
        else "Placebos, overlap, balance and single rows are looked at for everyone in the table.",
        "learned": {name.replace("_", " "): how for name, how in study.nuisances.chosen.items()},
        "made": provenance(**study.settings),
    }


def _row(what: str, estimate: Estimate) -> dict[str, str]:
    return {"what": what, "value": amount(estimate.value, estimate.words.unit), "interval": span(estimate)}


def _group(study: Study, column: str) -> dict[str, Any]:
    bands = study.bands(column)
    to = float(bands.abs().max(axis=None))
    rows = [
        {
            "name": name,
            "n": f"{study.sizes[column][name]:,}",
            "value": amount(b["value"], to=to),
            "interval": f"{amount(b['lower'], to=to)} to {amount(b['upper'], to=to)}",
        }
        for name, b in bands.iterrows()
    ]
    p = study.chance(column)
    sentence = (
        "Whether the groups differ cannot be told from so few."
        if p is None
        else f"What the groups differ by could be chance (p = {p:.2f})."
        if p > 0.05
        else f"The groups differ by more than chance (p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."
    )
    more = len(rows) - MOST_GROUPS
    sentence += f" The first {MOST_GROUPS} of {len(rows)} groups are shown." if more > 0 else ""
    return {"column": column, "sentence": sentence, "rows": rows[:MOST_GROUPS]}


def _hidden(study: Study) -> str:
    if study.hidden is None:
        return "No check can see what was never recorded."
    value, limit = study.hidden["robustness value"], study.hidden["robustness value, limit"]
    return (
        "No check can see what was never recorded. To bring the estimate to zero, something unrecorded would have to explain "
        f"{value:.1%} of what is left of the outcome and of the decision both, and do its worst; to bring the interval to zero, "
        f"{limit:.1%}."
    )


def _medians(study: Study) -> str:
    m, d = study.nuisances.propensity.mean(axis=1), study.data.d
    arms = study.data.arms
    return " and ".join(f"{float(sorted(m[d == k])[int((d == k).sum() // 2)]):.2f} ({arms[k]})" for k in (0, 1))


def _figure(draw: "Callable[[Axes | None], Axes]", height: float) -> str:
    """A drawing as a data address, so that the page needs no other file."""
    figure = draw(None).figure
    for axes in figure.axes:  # long words from a table stay within the page
        axes.set_xlabel("\n".join(textwrap.wrap(axes.get_xlabel(), 48)))
    figure.set_size_inches(figure.get_size_inches()[0], max(height, figure.get_size_inches()[1]))
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    plt.close(figure)  # type: ignore[arg-type]
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
