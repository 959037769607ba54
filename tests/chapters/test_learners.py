"""What chapter 8 claims about learners: their errors, their costs, and what the effect makes of both."""

import numpy as np
import pandas as pd
import pytest

from tutorial_pkg.datasets import data_folder
from tutorial_pkg.storage import read_provenance

KEYS = ("linear", "untuned", "plain", "best", "untunednet", "tuned")
SIZES = ("small", "medium", "large")
STORED = data_folder() / "learner_comparison.parquet"


@pytest.fixture(scope="module")
def stored():
    return pd.read_parquet(STORED)


def by_learner(chapter, what, keys=KEYS):
    return {key: chapter[f"learn_{what}_{key}"] for key in keys}


def covers(chapter, key):
    return chapter[f"{key}_lower"] < chapter["learn_ate"] < chapter[f"{key}_upper"]


def test_every_learner_is_judged_on_the_same_samples(stored):
    seeds = stored.groupby(["n_rows", "estimator"])["seed"].apply(lambda s: tuple(sorted(s)))
    assert len(seeds) == 18
    assert (seeds.groupby("n_rows").nunique() == 1).all()


def test_the_stored_simulation_says_when_and_with_what_it_was_made():
    made = read_provenance(STORED)
    assert {"date", "python", "scikit-learn", "lightgbm", "n_covariates", "n_folds"} <= set(made)


def test_the_bias_is_never_larger_than_the_product_of_errors(stored, chapter):
    assert (stored["bias"].abs() <= stored["product"] * (1 + 1e-12)).all()
    assert chapter["learn_over_bound"] <= 1
    assert chapter["learn_share_of_bound"] < 0.25


def test_the_recorded_bias_is_what_estimates_show_on_average(stored):
    """The bias by formula, plus the luck of the rows, is the error of the estimate."""
    large = stored[stored["n_rows"] == stored["n_rows"].max()]
    rest = large["value"] - large["sample_ate"] - large["bias"]
    assert abs(rest.mean()) < 4 * rest.std() / np.sqrt(large["seed"].nunique())


def test_every_learner_beats_the_naive_difference_on_the_sellers_data(chapter):
    for key in KEYS:
        off = abs(chapter[f"learn_live_{key}"] - chapter["learn_ate"])
        assert off < 0.2 * (chapter["learn_naive"] - chapter["learn_ate"])
    covering = sum(covers(chapter, f"learn_live_{key}") for key in KEYS)
    assert covering == chapter["learn_live_covering"]
    assert covering >= 4


def test_most_of_the_loss_is_chance_so_small_differences_are_large_errors(chapter):
    assert chapter["learn_chance"] > 80
    assert chapter["learn_split_gap"] < 0.03
    assert chapter["learn_loss_gap"] < 20
    assert chapter["learn_square_gap"] - 1 > 10 * chapter["learn_loss_gap"] / 100


def test_held_out_loss_ranks_as_the_truth_does(chapter):
    assert chapter["learn_rank"] < -0.8
    assert chapter["learn_rank_y"] < -0.8


def test_a_line_stops_learning_the_sales_while_trees_and_the_tuned_network_go_on(chapter):
    medium, large = by_learner(chapter, "medium_g"), by_learner(chapter, "large_g")
    assert large["linear"] > 0.85 * medium["linear"]
    for key in ("plain", "best", "tuned"):
        assert large[key] < 0.8 * medium[key]
    assert large["linear"] == max(large.values())
    for errors in (medium, large):
        assert errors["tuned"] < 1.06 * errors["plain"]


@pytest.mark.parametrize("size", SIZES)
def test_the_linear_model_is_as_good_as_the_best_at_the_decision_and_networks_are_not(chapter, size):
    errors = by_learner(chapter, f"{size}_m")
    assert errors["linear"] < 1.05 * min(errors.values())
    assert errors["tuned"] > 1.2 * errors["linear"]


def test_lines_are_far_cheaper_and_from_trees_to_networks_it_is_a_smaller_step(chapter):
    seconds = by_learner(chapter, "large_s")
    assert seconds["linear"] == min(seconds.values())
    assert chapter["learn_times_best"] > 3
    assert 1 < chapter["learn_net_times_trees"] < 0.5 * chapter["learn_times_best"]
    assert chapter["learn_tuning"] > 5 * seconds["tuned"]


def test_memory_decides_nothing(chapter):
    megabytes = by_learner(chapter, "mb")
    assert chapter["learn_mb_max"] == megabytes["best"] < 500
    assert max(megabytes["untunednet"], megabytes["tuned"], megabytes["untuned"]) < megabytes["linear"]


def test_the_score_forgives_what_the_plug_in_passes_on(chapter):
    for key in ("linear", "best", "tuned", "plain"):
        assert chapter[f"learn_large_bias_{key}"] < chapter[f"learn_large_plug_{key}"]


def test_the_recommended_trees_have_the_smallest_product_and_it_falls_faster_than_the_error(chapter):
    for size in SIZES:
        products = by_learner(chapter, f"{size}_product")
        assert products["best"] == min(products.values())
    for key in ("best", "tuned"):
        assert chapter[f"learn_falls_{key}"] > chapter["learn_root"]
    assert chapter["learn_falls_linear"] < min(chapter["learn_falls_best"], chapter["learn_falls_tuned"])


def test_untuned_trees_fail_loudly_in_small_samples_and_recover_in_large_ones(chapter):
    assert chapter["learn_small_dshare_untuned"] < 0
    assert chapter["learn_small_rmse_untuned"] > chapter["learn_ate"]
    assert chapter["learn_small_width_untuned"] > 3 * chapter["learn_small_width_plain"]
    assert chapter["learn_small_rmse_plain"] < chapter["learn_small_rmse_untuned"] / 4
    assert chapter["learn_large_rmse_untuned"] < 1.3 * min(by_learner(chapter, "large_rmse").values())


def test_the_untuned_network_fails_quietly_and_rows_do_not_help(chapter):
    assert chapter["learn_large_width_untunednet"] < 1.5 * chapter["learn_large_width_linear"]
    assert chapter["learn_large_cover_untunednet"] < 50
    assert chapter["learn_large_ratio_untunednet"] > 0.9 * chapter["learn_small_ratio_untunednet"]
    for size in SIZES:
        assert chapter[f"learn_{size}_off_untunednet"] > 3 * chapter[f"learn_{size}_offse_untunednet"]
        assert chapter[f"learn_{size}_rmse_untunednet"] > chapter[f"learn_{size}_rmse_linear"]


def test_plain_trees_cover_too_seldom_in_small_samples_and_trees_from_a_line_do_not(chapter):
    for size in ("small", "medium"):
        assert chapter[f"learn_{size}_cover_plain"] < chapter[f"learn_{size}_cover_best"]
        assert chapter[f"learn_{size}_off_plain"] > 3 * chapter[f"learn_{size}_offse_plain"]
        assert abs(chapter[f"learn_{size}_off_best"]) < 2 * chapter[f"learn_{size}_offse_best"]
        assert chapter[f"learn_{size}_cover_best"] >= 88


def test_the_bias_of_the_line_shows_once_the_interval_is_small(chapter):
    assert abs(chapter["learn_small_ratio_linear"]) < 0.4
    assert chapter["learn_large_ratio_linear"] > 0.5
    assert chapter["learn_large_off_linear"] > 2 * chapter["learn_large_offse_linear"]
    assert abs(chapter["learn_large_ratio_best"]) < chapter["learn_large_ratio_linear"]


def test_care_matters_more_than_the_family_at_all_but_the_largest_size(chapter):
    for size in ("small", "medium"):
        rmse = by_learner(chapter, f"{size}_rmse")
        assert rmse["untuned"] > 2 * rmse["linear"]
        within = min(rmse["untuned"] - rmse["plain"], rmse["untunednet"] - rmse["tuned"])
        careful = [rmse[key] for key in ("linear", "plain", "best", "tuned")]
        assert within > max(careful) - min(careful)


def test_rewriting_columns_breaks_lines_but_neither_trees_nor_what_starts_from_the_better_of_two_lines(chapter):
    assert not covers(chapter, "learn_re_linear")
    for key in ("plain", "best"):
        assert covers(chapter, f"learn_re_{key}")
        assert abs(chapter[f"learn_re_{key}"] - chapter[f"learn_live_{key}"]) < 0.5 * chapter[f"learn_live_{key}_se"]
    assert chapter["learn_re_product_linear"] > 4 * chapter["learn_was_product_linear"]
    assert chapter["learn_re_sharem_best"] > chapter["learn_re_sharem_plain"]


def test_ranks_repair_the_linear_learner(chapter):
    assert covers(chapter, "learn_ranked")
    assert chapter["learn_ranked_product"] < 0.4 * chapter["learn_re_product_linear"]


def test_accuracy_hardly_tells_learners_apart(chapter):
    assert chapter["learn_acc_high"] - chapter["learn_acc_low"] < 4
    assert chapter["learn_acc_times"] > 2.5
    assert chapter["learn_acc_low"] > chapter["learn_acc_none"]


def test_the_best_model_for_each_nuisance_makes_the_smallest_product(chapter):
    assert chapter["learn_mixed_m"] in ("linear", "trees, recommended")
    assert chapter["learn_mixed_product"] < 1.05 * chapter["learn_single_product"]
    assert covers(chapter, "learn_mixed")
