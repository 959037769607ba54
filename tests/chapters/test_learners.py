"""What the chapter claims about learners: their errors, their costs, and what the effect makes of both."""

import numpy as np
import pandas as pd
import pytest

from tutorial_pkg.datasets import data_folder
from tutorial_pkg.storage import read_provenance

KEYS = ("linear", "untuned", "plain", "best", "untunednet", "tuned")
SIZES = ("small", "medium", "large")
STORED = data_folder() / "learner_comparison.parquet"
RIVAL = "network, deep"


@pytest.fixture(scope="module")
def stored():
    return pd.read_parquet(STORED)


def by_learner(chapter, what, keys=KEYS):
    return {key: chapter[f"learn_{what}_{key}"] for key in keys}


def covers(chapter, key):
    return chapter[f"{key}_lower"] < chapter["learn_ate"] < chapter[f"{key}_upper"]


def test_every_learner_is_judged_on_the_same_samples(stored):
    usual = stored[stored["estimator"] != RIVAL]
    seeds = usual.groupby(["market", "n_rows", "estimator"])["seed"].apply(lambda s: tuple(sorted(s)))
    assert len(seeds) == 6 * 5
    assert (seeds.groupby(["market", "n_rows"]).nunique() == 1).all()
    keys = ["market", "n_rows", "seed"]
    rival = stored.loc[stored["estimator"] == RIVAL, keys]
    assert len(rival) >= 10
    assert len(rival.merge(usual[keys].drop_duplicates(), on=keys)) == len(rival)


def test_the_stored_simulation_says_when_and_with_what_it_was_made():
    made = read_provenance(STORED)
    assert {"date", "python", "scikit-learn", "lightgbm", "n_covariates", "n_folds", "rival"} <= set(made)


def test_the_bias_is_never_larger_than_the_product_of_errors(stored, chapter):
    assert (stored["bias"].abs() <= stored["product"] * (1 + 1e-12)).all()
    assert chapter["learn_over_bound"] <= 1
    assert chapter["learn_share_of_bound"] < 0.25


def test_the_recorded_bias_is_what_estimates_show_on_average(stored):
    """The bias by formula, plus the luck of the rows, is the error of the estimate."""
    for _, rows in stored.groupby("market"):
        large = rows[(rows["n_rows"] == rows["n_rows"].max()) & (rows["estimator"] != RIVAL)]
        rest = large["value"] - large["sample_ate"] - large["bias"]
        assert abs(rest.mean()) < 4 * rest.std() / np.sqrt(large["seed"].nunique())


def test_the_failure_at_the_beginning_is_that_of_forty_samples(chapter):
    assert min(chapter["learn_first_wider"], chapter["learn_first_forty"]) > 3
    assert chapter["learn_small_width_untuned"] > 3 * chapter["learn_small_width_best"]
    assert chapter["learn_small_rmse_untuned"] > 3 * chapter["learn_small_rmse_best"]


def test_every_learner_beats_the_naive_difference_on_the_sellers_data(chapter):
    for key in KEYS:
        off = abs(chapter[f"learn_live_{key}"] - chapter["learn_ate"])
        assert off < 0.2 * (chapter["learn_naive"] - chapter["learn_ate"])
    covering = sum(covers(chapter, f"learn_live_{key}") for key in KEYS)
    assert covering == chapter["learn_live_covering"]


def test_two_of_the_answers_differ_from_the_recommended_although_intervals_overlap(chapter):
    for key in ("linear", "untunednet"):
        assert chapter[f"learn_gap_{key}_lower"] > 0
        assert chapter[f"learn_live_{key}_lower"] < chapter["learn_live_best_upper"]
    for key in ("untuned", "plain", "tuned"):
        assert chapter[f"learn_gap_{key}_lower"] < 0 < chapter[f"learn_gap_{key}_upper"]


def test_most_of_the_loss_is_chance_so_small_differences_are_large_errors(chapter):
    assert chapter["learn_chance_low"] > 80
    assert chapter["learn_split_gap"] < 0.03
    assert chapter["learn_loss_gap"] < 20
    assert chapter["learn_square_gap"] - 1 > 10 * chapter["learn_loss_gap"] / 100


def test_held_out_loss_ranks_as_the_truth_does(chapter):
    assert chapter["learn_rank"] < -0.8
    assert chapter["learn_rank_y"] < -0.8


def test_where_the_loss_is_measured_is_not_where_the_model_is_used(chapter):
    others, followers = by_learner(chapter, "others"), by_learner(chapter, "followers")
    assert others["best"] < 1.1 * others["linear"]  # "as good as the line"
    assert followers["linear"] < 0.8 * followers["best"]
    assert followers["plain"] > followers["best"]
    assert chapter["learn_used_rank"] == pytest.approx(1)
    assert chapter["learn_usedatt_gap"] > 3 * abs(chapter["learn_used_gap"])
    assert 0 < chapter["learn_used_diff"] < 2 * chapter["learn_used_diff_se"]  # "points and does not prove"


def test_a_line_is_hard_to_beat_at_the_sales(chapter):
    for size in SIZES:
        errors = by_learner(chapter, f"{size}_g")
        assert errors["linear"] < min(errors["plain"], errors["tuned"])
        assert errors["best"] < min(errors["plain"], errors["tuned"])


def test_a_line_stops_learning_the_decision_while_trees_go_on(chapter):
    medium, large = by_learner(chapter, "medium_m"), by_learner(chapter, "large_m")
    assert large["linear"] > 0.9 * medium["linear"]
    for key in ("plain", "best"):
        assert large[key] < 0.8 * medium[key]
        assert large[key] < 0.75 * large["linear"]
    assert large["tuned"] > 1.2 * large["best"]


def test_lines_are_far_cheaper_and_from_trees_to_networks_it_is_a_smaller_step(chapter):
    seconds = by_learner(chapter, "large_s")
    assert seconds["linear"] == min(seconds.values())
    assert chapter["learn_times_best"] > chapter["learn_times_plain"] > 3
    assert 1 < chapter["learn_net_times_trees"] < 0.5 * chapter["learn_times_best"]
    assert chapter["learn_tuning"] > 5 * seconds["tuned"]


def test_memory_decides_nothing(chapter):
    assert chapter["learn_mb_max"] == max(by_learner(chapter, "mb").values()) < 500


def test_the_score_forgives_what_the_plug_in_passes_on(chapter):
    for key in ("best", "tuned", "plain"):
        assert chapter[f"learn_large_bias_{key}"] < chapter[f"learn_large_plug_{key}"]
    assert chapter["learn_small_bias_untuned"] > chapter["learn_small_plug_untuned"]
    assert chapter["learn_large_bias_linear"] > 0.9 * chapter["learn_large_plug_linear"]


def test_the_product_does_not_vanish_relative_to_the_error(chapter):
    for key in ("best", "plain", "linear"):
        assert min(chapter[f"learn_ratio_{size}_{key}"] for size in ("small", "large")) > 3
    assert chapter["learn_ratio_large_linear"] > 1.2 * chapter["learn_ratio_small_linear"]
    assert chapter["learn_large_product_best"] == min(by_learner(chapter, "large_product").values())


def test_untuned_trees_fail_loudly_in_small_samples_and_recover_in_large_ones(chapter):
    assert chapter["learn_small_dshare_untuned"] < 0
    assert chapter["learn_small_rmse_untuned"] > chapter["learn_ate"]
    assert chapter["learn_small_rmse_plain"] < chapter["learn_small_rmse_untuned"] / 4
    assert chapter["learn_large_rmse_untuned"] < 1.5 * min(by_learner(chapter, "large_rmse").values())


def test_the_untuned_network_fails_quietly_and_rows_help_too_little(chapter):
    assert chapter["learn_large_width_untunednet"] < 2 * chapter["learn_large_width_linear"]
    assert chapter["learn_large_cover_untunednet"] < 75
    fall = chapter["learn_large_off_untunednet"] / chapter["learn_medium_off_untunednet"]
    assert chapter["learn_large_width_untunednet"] / chapter["learn_medium_width_untunednet"] < fall < 1
    assert chapter["learn_large_dshare_untunednet"] < chapter["learn_large_dshare_plain"] - 3
    for size in SIZES:
        assert chapter[f"learn_{size}_off_untunednet"] > 3 * chapter[f"learn_{size}_offse_untunednet"]
        assert chapter[f"learn_{size}_rmse_untunednet"] > chapter[f"learn_{size}_rmse_linear"]


def test_the_bias_of_the_line_shows_once_the_interval_is_small(chapter):
    assert abs(chapter["learn_small_off_linear"]) < 2 * chapter["learn_small_offse_linear"]
    assert chapter["learn_large_off_linear"] > 3 * chapter["learn_large_offse_linear"]
    assert chapter["learn_pair"] > 3 * chapter["learn_pair_mc"]
    assert abs(chapter["learn_large_off_best"]) < 2 * chapter["learn_large_offse_best"]


def test_lines_are_best_at_both_where_lines_are_the_truth(chapter):
    for what in ("irm_m", "irm_g", "irm_s"):
        found = by_learner(chapter, what)
        assert found["linear"] == min(found.values())
        assert what == "irm_s" or found["best"] < 1.4 * found["linear"] < found["plain"]
    rmse = by_learner(chapter, "irm_rmse", ("linear", "best", "plain", "tuned"))
    assert max(rmse.values()) < 1.3 * min(rmse.values())
    assert chapter["learn_irm_tuned_small"] > chapter["learn_irm_untuned_small"]
    assert "poisson" in read_provenance(STORED)["network, make_irm_data, 1000 rows"]  # "predicts nothing below zero"


def test_the_deep_network_costs_most_and_is_not_nearer(chapter):
    seconds = by_learner(chapter, "duel_s", ("linear", "best", "tuned", "deep"))
    assert seconds["deep"] > 5 * max(seconds["best"], seconds["tuned"])
    for what in ("duel_g", "duel_m", "duel_p"):
        found = by_learner(chapter, what, ("linear", "best", "tuned", "deep"))
        assert found["deep"] > found["best"]


def test_rewriting_columns_breaks_lines_but_neither_trees_nor_what_starts_from_the_better_of_two_lines(chapter):
    assert not covers(chapter, "learn_re_linear")
    for key in ("plain", "best"):
        assert covers(chapter, f"learn_re_{key}")
        assert abs(chapter[f"learn_re_{key}"] - chapter[f"learn_live_{key}"]) < chapter[f"learn_live_{key}_se"]
    assert chapter["learn_re_product_linear"] > 3 * chapter["learn_was_product_linear"]
    assert chapter["learn_was_product_best"] < chapter["learn_re_product_best"]
    assert chapter["learn_re_share_best"] > chapter["learn_re_share_plain"] + 1


def test_ranks_repair_the_linear_learner(chapter):
    assert chapter["learn_ranked_product"] < 0.6 * chapter["learn_re_product_linear"]


def test_accuracy_hardly_tells_learners_apart(chapter):
    assert chapter["learn_acc_high"] - chapter["learn_acc_low"] < 4
    assert chapter["learn_acc_times"] > 1.8
    assert chapter["learn_acc_low"] > chapter["learn_acc_none"]


def test_the_best_model_for_each_nuisance_makes_the_smallest_product(chapter):
    assert "trees" in chapter["learn_mixed_m"]
    assert chapter["learn_mixed_product"] < 1.05 * chapter["learn_single_product"]
    assert covers(chapter, "learn_mixed")


def test_other_settings_cure_most_of_the_failure(chapter):
    assert chapter["learn_pruned_ratio"] > 3
