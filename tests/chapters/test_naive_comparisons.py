"""What the chapter on naive comparisons claims of six ways to adjust, on the sellers data and in the arena."""

import math

import pytest

import tutorial_pkg as tp


def covers(chapter, key, truth="nc_ate"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_what_is_kept_for_the_next_chapters_is_what_this_one_finds(chapter):
    """Other machines add in another order, and a tree may then split elsewhere."""
    kept = tp.load_sellers_comparisons()
    for estimate, key in zip(kept, ("raw", "two", "ols", "twins_all", "ps", "ipw", "plug"), strict=True):
        assert chapter[f"nc_{key}"] == pytest.approx(estimate.value, abs=0.05 * estimate.std_error), key
        assert chapter[f"nc_{key}_se"] == pytest.approx(estimate.std_error, rel=0.02), key


def test_strata_by_category_move_little_and_each_confounder_removes_some(chapter):
    assert abs(chapter["nc_category_moves"]) < 0.05 * chapter["nc_raw"]
    assert chapter["nc_one_moves_upper"] < -2
    assert chapter["nc_two_moves_upper"] < -0.5
    assert -0.2 < chapter["nc_three_moves_lower"] < 0 < chapter["nc_three_moves_upper"] < 0.2


@pytest.mark.parametrize("key", ["raw", "category", "one", "two", "three", "ols"])
def test_strata_and_regression_lie_above_the_truth_and_miss_it(chapter, key):
    assert chapter[f"nc_{key}_lower"] > chapter["nc_ate"]


def test_strata_run_out_of_rows_as_columns_are_added(chapter):
    assert chapter["nc_usable_few"] > 95
    assert chapter["nc_usable_most"] < 50


def test_least_squares_gives_little_weight_to_those_who_gain_little(chapter):
    assert chapter["nc_low_weight"] < 0.75 * chapter["nc_low_share"] < chapter["nc_high_weight"]
    assert chapter["nc_low_effect"] < 0.3 * chapter["nc_high_effect"]
    assert chapter["nc_plr"] > 1.1 * chapter["nc_ate"]
    assert chapter["nc_below_half"] > 70


def test_without_noise_least_squares_still_misses_its_own_target(chapter):
    assert chapter["nc_ols_expected_lower"] > chapter["nc_plr_sample"]
    assert chapter["nc_chance"] < 0.15
    assert chapter["nc_by_weights"] + chapter["nc_bends"] == pytest.approx(chapter["nc_ols_expected"], abs=0.15)
    assert abs(chapter["nc_bends"]) < 0.1
    assert chapter["nc_by_weights"] > chapter["nc_plr_sample"] + 0.2


def test_noise_makes_strangers_of_twins_and_leads_back_to_the_naive_difference(chapter):
    assert chapter["nc_near_2"] < 10 < chapter["nc_near_10"] < 50 < 75 < chapter["nc_near_200"]
    assert chapter["nc_twins_10"] < chapter["nc_twins_20"] < chapter["nc_twins_200"] < chapter["nc_raw"]
    assert chapter["nc_twins_200"] > 1.5 * chapter["nc_twins_10"]
    assert chapter["nc_twins_10"] + 0.3 < chapter["nc_twins_20_least"]
    assert chapter["nc_twins_20_most"] < chapter["nc_twins_200"]


def test_what_a_distance_is_about_depends_on_the_table(chapter):
    assert chapter["nc_weekly"] > chapter["nc_columns"] / 2
    assert chapter["nc_twins_once"] > chapter["nc_twins_all"] + 1
    assert covers(chapter, "nc_twins_all")


@pytest.mark.parametrize("key", ["ps", "ipw"])
def test_those_who_use_the_propensity_cover_the_truth_here(chapter, key):
    assert covers(chapter, f"nc_{key}")


def test_the_narrow_interval_of_the_plug_in_misses(chapter):
    assert not covers(chapter, "nc_plug")
    assert chapter["nc_plug_narrow"] > 4


def test_weighting_by_hand_equals_the_package(chapter):
    assert math.isclose(chapter["nc_ipw_hand"], chapter["nc_ipw"], rel_tol=1e-6)


def test_weighting_rests_on_a_few_heavy_rows_and_has_a_wide_interval(chapter):
    assert chapter["nc_heaviest"] == pytest.approx(100)  # "the most that the limits allow"
    assert chapter["nc_top"] > 4  # per cent of the weight, on one per cent of the rows
    assert chapter["nc_wider"] > 1.3


def test_a_logistic_regression_cannot_say_when(chapter):
    assert chapter["nc_keen_said"] < chapter["nc_keen_followed"] - 10
    assert chapter["nc_others_said"] > chapter["nc_others_followed"] + 3


def test_a_propensity_model_that_lacks_columns_moves_up_and_does_not_say_so(chapter):
    assert chapter["nc_partial_moves_lower"] > 0
    assert chapter["nc_ipw"] < chapter["nc_ate"] < chapter["nc_partial"]
    assert chapter["nc_product_moves_lower"] > chapter["nc_partial_moves_upper"]
    assert chapter["nc_product"] == pytest.approx(chapter["nc_raw"], rel=0.05)
    for key in ("nc_partial", "nc_product"):
        assert chapter[f"{key}_se"] == pytest.approx(chapter["nc_partial_all_se"], rel=0.2)


def test_a_penalty_leads_the_plug_in_back_to_the_naive_difference(chapter):
    assert chapter["nc_path_start"] < chapter["nc_ate"]
    assert math.isclose(chapter["nc_path_end"], chapter["nc_raw"], rel_tol=1e-6)


def test_the_arena_has_the_markets_that_the_prose_counts(chapter):
    assert chapter["nc_markets"] == 100
    assert chapter["nc_thin_markets"] == chapter["nc_pairs"] == 50


def test_over_a_hundred_markets_four_methods_are_too_high_and_cover_in_a_minority_or_hardly_more(chapter):
    for key in ("raw", "strata", "ols", "twins"):
        assert chapter[f"nc_bias_{key}"] > 5 * chapter[f"nc_mc_{key}"]
        assert chapter[f"nc_cover_{key}"] < 65
    assert chapter["nc_mc_line"] > 2 * chapter["nc_mc_line_error"]
    assert 0 < chapter["nc_mc_plr"] < chapter["nc_bias_ols"]


def test_the_plug_in_leans_to_the_naive_side_and_claims_a_fraction_of_its_spread(chapter):
    assert chapter["nc_bias_plug"] > 2 * chapter["nc_mc_plug"]
    assert chapter["nc_ratio_plug"] < 0.5
    assert max(chapter["nc_cover_plug"], chapter["nc_sr_cover_plug"]) < 60


def test_methods_that_use_a_propensity_cover_more_often_thanks_to_wide_intervals(chapter):
    others = max(chapter[f"nc_cover_{key}"] for key in ("raw", "strata", "ols", "twins", "plug"))
    for key in ("ps", "logit", "ipw"):
        assert chapter[f"nc_cover_{key}"] > others
    assert min(chapter["nc_ratio_ps"], chapter["nc_ratio_logit"]) > 1.1
    assert abs(chapter["nc_bias_ps"]) < 2 * chapter["nc_mc_ps"]
    for key in ("logit", "ipw"):
        assert chapter[f"nc_bias_{key}"] < -3 * chapter[f"nc_mc_{key}"]
    assert chapter["nc_cover_ipw"] >= 90


def test_in_the_other_story_what_was_too_high_is_too_low(chapter):
    for key in ("raw", "strata", "ols", "twins"):
        assert chapter[f"nc_sr_bias_{key}"] < -2 * chapter[f"nc_sr_mc_{key}"]
    assert chapter["nc_sr_bias_strata"] < -2
    assert chapter["nc_sr_cover_ols"] >= 88
    assert chapter["nc_sr_bias_ols"] == pytest.approx(chapter["nc_sr_plr_gap"], abs=0.25)
    assert abs(chapter["nc_sr_line"]) < 2 * chapter["nc_sr_line_error"]
    assert chapter["nc_sr_line"] < 0.3 * chapter["nc_mc_line"]
    assert chapter["nc_sr_ratio_ols"] > 1.05
    assert abs(chapter["nc_sr_bias_logit"]) < 2 * chapter["nc_sr_mc_logit"]
    assert chapter["nc_sr_bias_ipw"] < chapter["nc_sr_bias_logit"] - 0.2
    assert abs(chapter["nc_sr_cover_plug"] - chapter["nc_cover_plug"]) < 10
    assert chapter["nc_sr_below"] == -chapter["nc_sr_plr_gap"]
    assert abs(chapter["nc_sr_plr_gap"]) < 0.5 * chapter["nc_mc_plr"]


def test_thin_overlap_widens_the_spread(chapter):
    for key in ("ipw", "ps"):
        assert chapter[f"nc_spread_thin_{key}"] > 1.5 * chapter[f"nc_spread_{key}"]
    assert chapter["nc_worst_thin"] - chapter["nc_least_thin"] > chapter["nc_ate"]
    assert chapter["nc_thin_bias"] > 3 * chapter["nc_thin_mc"]
    assert abs(chapter["nc_thin_ps"]) < 2 * chapter["nc_thin_ps_mc"]
    assert chapter["nc_thin_limited"] > 30
    assert chapter["nc_thin_clip"] > 2  # limits on the true propensities alone make it too high


def test_a_placebo_that_the_covariates_contain_is_refused(chapter):
    assert chapter["nc_refused"] == "yes"


def test_alarms_without_a_hidden_trait_are_the_methods_own(chapter):
    for key in ("raw", "strata", "twins", "plug"):
        assert chapter[f"nc_alarm_{key}"] > 40, key  # "about half of these markets or more"
    for key in ("ols", "ps", "logit", "ipw", "rr", "dml"):
        assert chapter[f"nc_alarm_{key}"] <= 16, key  # of fifty intervals of 95%, at most eight


def test_with_a_hidden_trait_all_sound_the_alarm_and_miss(chapter):
    assert chapter["nc_alarm_hidden_least"] > 95
    assert chapter["nc_miss_hidden_least"] > 90
    for key in ("dml", "ipw"):
        assert chapter[f"nc_added_after_{key}"] > 10 * chapter[f"nc_added_after_{key}_mc"]


def test_silence_of_the_regression_is_no_certificate(chapter):
    assert chapter["nc_alarm_ols"] <= 16 < 35 < chapter["nc_miss_ols"]
    assert max(chapter["nc_alarm_logit"], chapter["nc_miss_logit"]) <= 16


def test_the_monte_carlo_errors_of_the_percentages(chapter):
    assert chapter["nc_points_low"] == pytest.approx(3.1, abs=0.1)
    assert chapter["nc_points_half"] == pytest.approx(7.1, abs=0.1)


def test_two_strata_by_hand(chapter):
    assert chapter["nc_hand_naive"] == pytest.approx(28.5 - 800 / 60)
    assert chapter["nc_hand_strata"] == pytest.approx(0.4 * 4 + 0.6 * 2)


def test_five_strata_of_the_propensity_remove_about_nine_tenths_and_twenty_more(chapter):
    assert 80 < chapter["nc_sub_removed"] < 98
    assert chapter["nc_sub_contrast_lower"] > 0


def test_least_squares_with_dummies_is_a_weighted_mean_over_strata(chapter):
    assert chapter["nc_weights_gap"] < 1e-9


def test_true_propensities_balance_and_those_of_the_regression_do_not(chapter):
    assert chapter["nc_balance_logit"] < -2 * chapter["nc_balance_logit_se"]
    assert chapter["nc_balance_parts"] == pytest.approx(chapter["nc_balance_logit"])
    assert abs(chapter["nc_balance_truth"]) < 2 * chapter["nc_balance_truth_se"]


def test_adjusting_for_clicks_removes_the_effect_and_looks_precise(chapter):
    assert chapter["nc_explained"] > 75
    assert chapter["nc_clicks_ols_upper"] < 0.2 * chapter["nc_ate"]
    assert chapter["nc_clicks_ols_se"] < chapter["nc_ols_se"]
    assert max(chapter["nc_clicks_ps_upper"], chapter["nc_clicks_ipw_upper"]) < 0.4 * chapter["nc_ate"]


def test_by_its_own_target_the_regression_misses_much_less_often(chapter):
    assert chapter["nc_miss_ols_plr"] < chapter["nc_miss_ols"] / 3
    assert abs(chapter["nc_sr_bias_ps"]) > 3 * chapter["nc_sr_mc_ps"]
    assert 0 < chapter["nc_path_below"] < 0.5
