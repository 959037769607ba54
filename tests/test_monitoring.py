"""An effect over time: sums give what all rows together would, and the alarms have the rates they claim."""

import numpy as np
import pandas as pd
import pytest
from ville import AsymptoticCS

import tutorial_pkg as tp
from tutorial_pkg.estimate import from_influence
from tutorial_pkg.monitoring import History, drift, load_history


def weeks(seed, n_weeks, *, same_sellers=True, shift=0.0, at=10**6, n=100):
    """Weekly means of sellers with effects of their own, as a history; truth zero but for the shift."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.5, n) if same_sellers else rng.normal(0, 0.5, (n_weeks, n))
    effects = own + rng.normal(size=(n_weeks, n)) + shift * (np.arange(n_weeks)[:, None] >= at)
    values, shares = effects.mean(axis=1), (effects - effects.mean(axis=1, keepdims=True)) / n
    facts = {"value": values, "std_error": np.sqrt((shares**2).sum(axis=1)), "weight": n}
    week = np.repeat(np.arange(n_weeks), n)
    seller = np.tile(np.arange(n), n_weeks) if same_sellers else np.arange(n * n_weeks)
    sums = pd.DataFrame({"period": week, "cluster": seller.astype(str), "share": shares.ravel()})
    return History(pd.DataFrame(facts).rename_axis("period"), sums)


def fitted(seed):
    data = tp.simulate_sellers(400, seed=seed, n_covariates=15).data
    nuisances = tp.cross_fit(data, tp.learners.linear(), n_jobs=1, progress=False)
    return data, tp.estimate_ate(nuisances)


def test_the_running_average_is_that_of_all_rows_together():
    """Two weeks with the same sellers: value and clustered error as if their influence values were of one table."""
    parts = [fitted(seed) for seed in (1, 2)]
    history = History()
    for week, (data, estimate) in enumerate(parts):
        history = history.add(f"week {week}", estimate, data)
    frame = pd.concat([data.frame for data, _ in parts], ignore_index=True)
    whole = tp.CausalData(frame, "units_30d", "aligned", parts[0][0].covariates, cluster="seller_id")
    value = np.mean([e.value for _, e in parts])
    influence = np.concatenate([e.influence for _, e in parts])
    together = from_influence(value, influence, whole, estimand="ATE", method="all rows")
    last = history.running().iloc[-1]
    assert last["value"] == pytest.approx(value)
    assert last["std_error"] == pytest.approx(together.std_error)


def test_a_period_counts_for_those_whom_its_average_is_about():
    data = tp.simulate_sellers(400, seed=1, n_covariates=15).data
    nuisances = tp.cross_fit(data, tp.learners.linear(), n_jobs=1, progress=False)
    n_treated = data.d.sum()
    expected = {tp.estimate_ate: 400, tp.estimate_att: n_treated, tp.estimate_atc: 400 - n_treated}
    for average, weight in expected.items():
        assert History().add(1, average(nuisances), data).periods["weight"].tolist() == [weight]
    group = tp.estimate_gate(nuisances, pd.Series(["a"] * 300 + ["b"] * 100))["b"]
    with pytest.raises(ValueError, match="A GATE does not tell how many rows its group has"):
        History().add(1, group, data)
    history = History().add(1, group, data, n_rows=100)
    assert history.periods["weight"].tolist() == [100]
    assert history.running()["std_error"].iloc[0] == pytest.approx(group.std_error)


def test_a_history_survives_its_file(tmp_path):
    history = weeks(0, 5)
    history.save(tmp_path / "h.parquet")
    again = load_history(tmp_path / "h.parquet")
    pd.testing.assert_frame_equal(again.running(), history.running())
    pd.testing.assert_frame_equal(again.changed(), history.changed())
    (tmp_path / "no.parquet").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no history"):
        load_history(tmp_path / "no.parquet")


def test_the_past_is_not_touched_and_a_week_comes_once():
    data, estimate = fitted(1)
    first = History().add("2026-W01", estimate, data)
    second = first.add("2026-W02", estimate, data)
    assert (len(first.periods), len(second.periods)) == (1, 2)
    with pytest.raises(ValueError, match="'2026-W01' is in the history already"):
        second.add("2026-W01", estimate, data)
    with pytest.raises(ValueError, match="not of these 200 rows"):
        first.add("2026-W03", estimate, tp.simulate_sellers(200, seed=3, n_covariates=15).data)
    with pytest.raises(ValueError, match="one period only"):
        first.changed()
    with pytest.raises(ValueError, match="history is empty"):
        History().running()


def test_the_sequence_is_the_published_formula():
    history, alpha = weeks(3, 8), 0.05
    found, running = history.above_zero(best_at=400.0), history.running()
    t = running["weight"].to_numpy()
    rho2 = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / 400
    sd = running["std_error"] * np.sqrt(t)
    half = sd * np.sqrt(2 * (t * rho2 + 1) / (t**2 * rho2) * np.log(np.sqrt(t * rho2 + 1) / alpha))
    assert np.allclose(found["upper"] - found["value"], half)
    fixed = 1.96 * running["std_error"]
    assert (half > fixed).all()
    assert (half / fixed).min() < 1.7


def test_what_was_said_last_week_is_not_said_otherwise_today():
    whole, first = weeks(3, 8), weeks(3, 2)
    pd.testing.assert_frame_equal(whole.above_zero().iloc[:2], first.above_zero())


def test_the_sequence_is_that_of_another_package():
    """Weeks of equal means, so that the variance within weeks, which a history keeps, is that of all rows."""
    rng, n, n_weeks = np.random.default_rng(6), 100, 8
    rows = rng.exponential(size=(n_weeks, n))
    rows += 0.7 - rows.mean(axis=1, keepdims=True)
    oracle = AsymptoticCS(alpha=0.05, t_opt=400, min_samples=n)
    rho2 = (-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / 400
    assert 1 / oracle.rho_ == pytest.approx(rho2, rel=0.2)  # theirs by a search, ours to first order
    oracle.rho_ = 1 / rho2
    ends = []
    for week in rows:
        oracle.update(week)
        ends.append(oracle.interval())
    shares = ((rows - 0.7) / n).ravel()
    sums = {"period": np.repeat(np.arange(n_weeks), n), "cluster": np.arange(rows.size).astype(str), "share": shares}
    periods = pd.DataFrame({"value": 0.7, "std_error": rows.std(axis=1) / np.sqrt(n), "weight": float(n)})
    found = History(periods.rename_axis("period"), pd.DataFrame(sums)).above_zero(best_at=400.0)
    t = n * np.arange(1, n_weeks + 1)
    half = (found["upper"] - found["value"]) * np.sqrt(t / (t - 1))  # the other divides by one row less
    np.testing.assert_allclose(np.column_stack([0.7 - half, 0.7 + half]), ends, rtol=1e-9)


@pytest.mark.parametrize("same_sellers", [True, False])
def test_alarms_are_as_rare_as_they_claim(same_sellers):
    """60 years without an effect or a change: at 5% nine or more false alarms have a chance of 0.3%."""
    years = [weeks(seed, 52, same_sellers=same_sellers, n=40) for seed in range(60)]
    bands = [year.above_zero() for year in years]
    assert sum(bool(((b["lower"] > 0) | (b["upper"] < 0)).any()) for b in bands) <= 8
    assert sum(bool(year.changed()["alarm"].any()) for year in years) <= 8


def test_errors_by_row_raise_false_alarms_when_sellers_come_back():
    """The same years with every row its own cluster: most of them are called an effect."""
    alarms = 0
    for seed in range(30):
        year = weeks(seed, 52, n=40)
        rows = year.sums.assign(cluster=year.sums["period"].astype(str) + ":" + year.sums["cluster"])
        band = History(year.periods, rows).above_zero()
        alarms += bool(((band["lower"] > 0) | (band["upper"] < 0)).any())
    assert alarms > 10


def test_a_change_of_two_standard_errors_is_found_in_weeks():
    found = []
    for seed in range(30):
        error = weeks(seed, 2).periods["std_error"].mean()
        alarms = weeks(seed, 52, shift=2 * error, at=26).changed()["alarm"]
        late = alarms.index[alarms & (alarms.index >= 26)]
        found.append(late[0] - 25 if len(late) else 27)
    assert np.median(found) <= 6


def test_drift_names_the_column_that_moved():
    before, after = (tp.simulate_sellers(1_000, seed=seed, n_covariates=15).data for seed in (1, 2))
    assert drift(before, after).grade == "fine"
    column = next(name for name in after.covariates if pd.api.types.is_float_dtype(after.frame[name]))
    moved = after.frame.assign(**{column: after.frame[column] + after.frame[column].std()})
    told = drift(before, tp.CausalData(moved, "units_30d", "aligned", after.covariates, cluster="seller_id"))
    assert told.grade == "stop"
    assert told.table.index[0] == column
    fewer = tp.CausalData(after.frame, "units_30d", "aligned", after.covariates[:-1])
    with pytest.raises(ValueError, match="other columns or levels"):
        drift(before, fewer)
