"""The dial: a figure whose reader turns selection and overlap, alive without a server, drawn from simulated markets.

What is drawn for the default position stands in the HTML itself; a script, where scripts run, only moves it. Both
place a mark by the names of the numbers it shows, so that no position is worked out twice. Lengths along the axis are
per cents and all others pixels: the figure fits any width and its letters keep their size.
"""

import json
import textwrap
from dataclasses import dataclass
from html import escape
from itertools import product

import numpy as np
import pandas as pd

from tutorial_pkg.crossfitting import cross_fit
from tutorial_pkg.datasets import data_folder
from tutorial_pkg.effects import estimate_ate
from tutorial_pkg.marketplace import simulate_sellers
from tutorial_pkg.naive import difference_in_means
from tutorial_pkg.plots.style import COLOURS
from tutorial_pkg.truth import decompose_bias

SCENARIOS = {"proactive": "the keen ones follow", "self_reliant": "the experts decline"}
SELECTION = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
OVERLAP = (0.4, 0.6, 0.8, 1.0)


def turn_dials(n_rows: int = 4_000, seed: int = 2) -> pd.DataFrame:
    """Naive difference, DML and the parts of the bias in one simulated market for each position of the dials.

    All markets are drawn with one seed, so that from one position to the next the dials change and not the luck. The
    learners are the default ones. It takes minutes: :func:`load_positions` has what ``data/turn_dials.py`` kept of it.

    Returns
    -------
    DataFrame
        A row for each scenario, overlap and selection strength, in units sold in 30 days: ``truth``, the population's
        ATE; ``naive`` and ``dml`` with the limits of their 95% intervals; ``effect``, ``selection bias`` and ``gains``,
        the parts of the naive difference (:func:`tutorial_pkg.truth.decompose_bias`); and DML's ``caution``.
    """
    rows: dict[tuple, tuple] = {}
    for scenario, overlap, selection in product(SCENARIOS, OVERLAP, SELECTION):
        market = simulate_sellers(n_rows, scenario, seed=seed, n_covariates=15, selection=selection, overlap=overlap)
        naive = difference_in_means(market.data)
        dml = estimate_ate(cross_fit(market.data, n_jobs=1, progress=False))
        if not rows:
            truth = market.truth.ate  # no dial here moves it, and every market would compute it anew
        parts = decompose_bias(market.data, market.truth).to_list()[:3]
        limits = naive.value, *naive.conf_int(), dml.value, *dml.conf_int()
        rows[scenario, overlap, selection] = truth, *limits, *parts, dml.caution or ""
    names = ["truth", "naive", "naive_lower", "naive_upper", "dml", "dml_lower", "dml_upper"]
    index = pd.MultiIndex.from_tuples(rows, names=["scenario", "overlap", "selection"])
    return pd.DataFrame(list(rows.values()), index, [*names, "effect", "selection bias", "gains", "caution"])


def load_positions() -> pd.DataFrame:
    """What :func:`turn_dials` returns, from a file beside the data; nothing is fitted."""
    table = pd.read_csv(data_folder() / "dial.csv", keep_default_na=False)
    return table.set_index(["scenario", "overlap", "selection"])


@dataclass(frozen=True)
class Dial:
    """The figure over the positions of :func:`turn_dials`; as text, it says what the default position shows."""

    positions: pd.DataFrame

    def __post_init__(self) -> None:
        if list(self.positions.index) != list(product(SCENARIOS, OVERLAP, SELECTION)):
            raise ValueError(
                "The dial needs a row for each of its positions, in their order; pass load_positions() or turn_dials()."
            )

    def __repr__(self) -> str:
        default = self._marks().loc[_DEFAULT].to_dict()
        return textwrap.fill(_SENTENCE.format(**{name: _said(value) for name, value in default.items()}), 72)

    def _repr_html_(self) -> str:
        marks = self._marks().round(3)
        places = marks.drop(columns=["selection bias", "gains", "caution"]).to_numpy(float)  # lengths are no places
        axis = 5 * int(np.floor(places.min() / 5)), 5 * int(np.ceil(places.max() / 5))
        sent = {"names": list(marks), "axis": axis, "rows": marks.to_numpy().tolist()}
        default = marks.loc[_DEFAULT].to_dict()
        words = _SENTENCE.format(**{name: _span(name, value) for name, value in default.items()})
        colours = ";".join(f"--tp-{name}:{COLOURS[name]}" for name in ("naive", "dml", "other"))
        return (
            # JupyterLab would take the arrow keys from the sliders, but for the attribute and the script's keydown
            f'<div class="tp-dial" data-lm-suppress-shortcuts="true" style="{colours}">'
            f"<style>{_STYLE}</style>{_controls()}{_drawing(default, axis)}"
            f'<p role="status">{words}</p><script type="application/json">{_json(sent)}</script>'
            f"<script>{_SCRIPT}</script></div>"
        )

    def _marks(self) -> pd.DataFrame:
        """The positions with the two places that bars begin or end at besides, and of a caution its first clause."""
        p = self.positions
        caution = p["caution"].str.replace(r"^([^;]+).*", r"Caution: \1.", regex=True)
        return p.assign(zero=0.0, biased=p["effect"] + p["selection bias"], caution=caution)


_DEFAULT = ("proactive", 1.0, 1.0)

_SENTENCE = (
    "In this sample the naive difference is {naive} units sold in 30 days (95% interval {naive_lower} to {naive_upper}), "
    "and double machine learning finds {dml} ({dml_lower} to {dml_upper}). The truth is {truth}. Rounded, the naive "
    "difference is made of {effect} for the effect, {selection bias} for selection bias, and {gains} for what followers "
    "gain beyond the others. {caution}"
)


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:z.1f}".replace("-", "\N{MINUS SIGN}")


def _span(name: str, value: float | str, tag: str = "span") -> str:
    """A number or words in the page that the script keeps up to date."""
    return f'<{tag} data-say="{name}">{escape(_said(value))}</{tag}>'


def _json(sent: dict) -> str:
    return json.dumps(sent, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _controls() -> str:
    """Radio buttons and sliders, hidden until the script that listens to them runs."""
    radios = "".join(
        f'<label><input type="radio" name="scenario" value="{place}"{" checked" * (place == 0)}> {words}</label>'
        for place, words in enumerate(SCENARIOS.values())
    )
    sliders = "".join(
        f'<label><span>{words} <output>{default:g}</output></span><input type="range" name="{name}" min="{values[0]:g}" '
        f'max="{values[-1]:g}" step="{values[1] - values[0]:g}" value="{default:g}"></label>'
        for name, words, values, default in (
            ("selection", "selection strength", SELECTION, _DEFAULT[2]),
            ("overlap", "overlap", OVERLAP, _DEFAULT[1]),
        )
    )
    return f'<form hidden autocomplete="off"><fieldset><legend>Who follows?</legend>{radios}</fieldset>{sliders}</form>'


_ROW = 36  # pixels from one row to the next
_ESTIMATES = {"naive": "naive difference", "dml": "double machine learning"}
_PARTS = {  # key of the number: words, colour, start and end of its bar
    "effect": ("effect: these rows\N{RIGHT SINGLE QUOTATION MARK} ATE", "truth", "zero", "effect"),
    "selection bias": ("+ selection bias: who sells more anyway", "naive", "effect", "biased"),
    "gains": ("+ heterogeneity: who gains more", "naive", "biased", "naive"),
    "naive": ("= naive difference", "other", "zero", "naive"),
}


def _drawing(values: dict, axis: tuple[int, int]) -> str:
    """The figure at one position."""

    def share(value: float) -> float:
        return round(100 * (value - axis[0]) / (axis[1] - axis[0]), 2)

    def bar(colour: str, start: str, end: str, y: float, height: float) -> str:
        ends = sorted((share(values[start]), share(values[end])))
        return (
            f'<rect class="{colour}" data-from="{start}" data-to="{end}" x="{ends[0]}%" width="{ends[1] - ends[0]:.2f}%" '
            f'y="{y}" height="{height}"/>'
        )

    def line(name: str, css: str, top: float, bottom: float) -> str:
        return f'<svg class="{css}" data-at="{name}" x="{share(values[name])}%"><path d="M0 {top}V{bottom}"/></svg>'

    def label(words: str, said: str, y: float) -> str:
        return f'<text y="{y}">{words}</text><text class="end" x="100%" y="{y}">{said}</text>'

    def say(name: str) -> str:
        return _span(name, values[name], "tspan")

    below = 28 + _ROW * len(_ESTIMATES) + 26
    bottom = below + _ROW * len(_PARTS)
    drawn = []
    for tick in range(axis[0], axis[1] + 1, 5):
        drawn += [f'<svg class="grid" x="{share(tick)}%"><path d="M0 20V{bottom}"/>']
        drawn += [f'<text class="middle" y="{bottom + 15}">{_said(tick)[:-2]}</text></svg>']
    drawn += [line("zero", "zero", 20, bottom), line("truth", "truth", 18, bottom)]
    drawn += [
        f'<svg data-at="truth" x="{share(values["truth"])}%"><text class="middle" y="12">truth {say("truth")}</text></svg>'
    ]
    for row, (name, words) in enumerate(_ESTIMATES.items()):
        y = 28 + _ROW * row
        said = f"{say(name)} ({say(f'{name}_lower')} to {say(f'{name}_upper')})"
        drawn += [label(words, said, y + 10), bar(name, f"{name}_lower", f"{name}_upper", y + 21, 3)]
        drawn += [
            f'<svg class="{name}" data-at="{name}" x="{share(values[name])}%"><circle r="5" cy="{y + 22.5}"/></svg>'
        ]
    drawn += [f'<text class="head" y="{below - 10}">What the naive difference is made of</text>']
    for row, (name, (words, colour, start, end)) in enumerate(_PARTS.items()):
        y = below + _ROW * row
        drawn += [label(words, say(name), y + 10), bar(colour, start, end, y + 16, 12)]
        if row < len(_PARTS) - 1:
            drawn += [line(end, "joint", y + 28, y + _ROW + 16)]
    drawn += [f'<text class="middle" x="50%" y="{bottom + 33}">units sold in 30 days</text>']
    alt = (
        "Naive difference and double machine learning with 95% intervals beside the truth, and below them, as a "
        "waterfall, the parts of the naive difference. The text after the figure says the numbers."
    )
    return f'<svg role="img" aria-label="{alt}" height="{bottom + 38}">{"".join(drawn)}</svg>'


_STYLE = """
.tp-dial { --naive: var(--tp-naive); --dml: var(--tp-dml); --other: var(--tp-other); --truth: currentColor;
  container-type: inline-size; margin: 0 0 1rem; font-size: .9rem; line-height: 1.4; text-align: start; }
:is([data-theme="dark"], [data-jp-theme-light="false"]) .tp-dial { --naive: color-mix(in srgb, var(--tp-naive) 80%, white);
  --dml: color-mix(in srgb, var(--tp-dml) 65%, white); --other: color-mix(in srgb, var(--tp-other) 70%, white); }
.tp-dial form:not([hidden]) { display: grid; grid-template-columns: 1fr 1fr; gap: .25rem 1.5rem; padding: 0 12px .75rem; }
.tp-dial fieldset { grid-column: 1 / -1; border: 0; margin: 0; padding: 0; }
.tp-dial legend { float: none; width: auto; margin: 0; padding: 0; font-size: inherit; font-weight: 600; }
.tp-dial fieldset label { display: inline-block; margin: 0; padding: .3rem 1.5rem .3rem 0; }
.tp-dial form > label { font-weight: 600; margin: 0; }
.tp-dial output { display: inline; padding: 0; font-variant-numeric: tabular-nums; }
.tp-dial input { accent-color: var(--dml); }
.tp-dial input[type="range"] { display: block; width: 100%; height: 1.8rem; margin: 0; }
.tp-dial > svg { display: block; width: calc(100% - 24px); margin: 0 12px; }
.tp-dial svg { overflow: visible; }
.tp-dial text { fill: currentColor; font-size: 13px; font-variant-numeric: tabular-nums; paint-order: stroke;
  stroke: var(--pst-color-background, var(--jp-layout-color0, Canvas)); stroke-width: 4px; stroke-linejoin: round; }
.tp-dial .middle { text-anchor: middle; } .tp-dial .end { text-anchor: end; } .tp-dial .head { font-weight: 600; }
.tp-dial path { stroke: currentColor; fill: none; }
.tp-dial .grid path { opacity: .15; } .tp-dial .zero path, .tp-dial .joint path { opacity: .5; }
.tp-dial .truth path { stroke-width: 1.5; stroke-dasharray: 5 4; }
.tp-dial .naive { fill: var(--naive); } .tp-dial .dml { fill: var(--dml); }
.tp-dial .other { fill: var(--other); } .tp-dial rect.truth { fill: var(--truth); }
.tp-dial > p { min-height: 7em; margin: .75rem 12px 0; }
@container (max-width: 40rem) { .tp-dial > p { min-height: 8.4em; } }
@container (max-width: 27rem) {
  .tp-dial form:not([hidden]) { grid-template-columns: 1fr; }
  .tp-dial > p { min-height: 12.6em; }
}
@container (max-width: 21rem) { .tp-dial > p { min-height: 15.4em; } }
"""

_SCRIPT = """
for (const dial of document.querySelectorAll(".tp-dial:not([data-alive])")) {
  dial.dataset.alive = "";
  const {names, axis: [low, high], rows} = JSON.parse(dial.querySelector("script").textContent);
  const form = dial.querySelector("form"), {scenario, overlap, selection} = form.elements;
  const step = input => Math.round((input.value - input.min) / input.step);
  const steps = input => Math.round((input.max - input.min) / input.step) + 1;
  const share = value => 100 * (value - low) / (high - low);
  const said = value => typeof value === "string" ? value
    : (Math.round(10 * value) / 10 || 0).toFixed(1).replace("-", "\u2212");
  const turn = () => {
    const row = (scenario.value * steps(overlap) + step(overlap)) * steps(selection) + step(selection);
    const shown = Object.fromEntries(names.map((name, i) => [name, rows[row][i]]));
    for (const input of [overlap, selection]) input.parentNode.querySelector("output").value = input.value;
    for (const part of dial.querySelectorAll("[data-say]")) part.textContent = said(shown[part.dataset.say]);
    for (const part of dial.querySelectorAll("[data-at]")) part.setAttribute("x", share(shown[part.dataset.at]) + "%");
    for (const part of dial.querySelectorAll("[data-from]")) {
      const [start, end] = [shown[part.dataset.from], shown[part.dataset.to]].map(share).sort((a, b) => a - b);
      part.setAttribute("x", start + "%");
      part.setAttribute("width", end - start + "%");
    }
  };
  form.addEventListener("input", turn);
  form.addEventListener("keydown", event => event.key.startsWith("Arrow") && event.stopPropagation());
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
  turn();
}
"""
