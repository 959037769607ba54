"""What chapter 3 claims about six ways to adjust, on the sellers data and over forty markets."""

import math

import pytest

import tutorial_pkg as tp


def covers(chapter, key, truth="nc_ate"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def error(chapter, key):
    return chapter[key] - chapter["nc_ate"]


def test_what_is_kept_for_the_next_chapters_is_what_this_one_finds(chapter):
    """Other machines add in another order, and a tree may then split elsewhere."""
    kept = tp.load_sellers_comparisons()
    for estimate, key in zip(kept, ("raw", "two", "ols", "twins_all", "ps", "ipw", "plug"), strict=True):
        assert chapter[f"nc_{key}"] == pytest.approx(estimate.value, abs=0.05 * estimate.std_error), key
        assert chapter[f"nc_{key}_se"] == pytest.approx(estimate.std_error, rel=0.02), key


def test_strata_by_category_remove_nothing_and_each_confounder_removes_some(chapter):
    assert chapter["nc_category"] == pytest.approx(chapter["nc_raw"], rel=0.05)
    assert error(chapter, "nc_one") < 0.7 * error(chapter, "nc_raw")
    assert error(chapter, "nc_two") < 0.7 * error(chapter, "nc_one")


@pytest.mark.parametrize("key", ["raw", "category", "one", "two", "three", "ols", "twins_2", "twins_10", "twins_all"])
def test_strata_regression_and_matching_on_covariates_lie_above_the_truth_and_miss_it(chapter, key):
    assert chapter[f"nc_{key}_lower"] > chapter["nc_ate"]


def test_strata_run_out_of_rows_as_columns_are_added(chapter):
    assert chapter["nc_usable_few"] > 95
    assert chapter["nc_usable_most"] < 50


def test_least_squares_gives_little_weight_to_those_who_gain_little(chapter):
    assert chapter["nc_low_weight"] < 0.75 * chapter["nc_low_share"] < chapter["nc_high_weight"]
    assert chapter["nc_low_effect"] < 0.3 * chapter["nc_high_effect"]
    assert chapter["nc_plr"] > 1.1 * chapter["nc_ate"]


def test_without_noise_least_squares_still_misses_its_own_target(chapter):
    assert chapter["nc_ols_expected_lower"] > chapter["nc_plr_sample"]


def test_matching_gets_better_and_then_worse_as_columns_are_added_and_twins_become_strangers(chapter):
    assert chapter["nc_twins_2"] > chapter["nc_twins_10"] + 0.5
    assert chapter["nc_twins_all"] > chapter["nc_twins_10"] + 0.5
    assert chapter["nc_near_2"] < 10 < chapter["nc_near_10"] < 50 < chapter["nc_near_all"]


@pytest.mark.parametrize("key", ["ps", "ipw"])
def test_those_who_use_the_propensity_cover_the_truth_here(chapter, key):
    assert covers(chapter, f"nc_{key}")


def test_the_plug_in_comes_near_and_its_narrow_interval_misses(chapter):
    assert abs(error(chapter, "nc_plug")) < 0.5
    assert not covers(chapter, "nc_plug")
    assert chapter["nc_plug_narrow"] > 4


def test_weighting_and_the_plug_in_come_nearest_on_the_sellers_data(chapter):
    errors = {k: abs(error(chapter, f"nc_{k}")) for k in ("two", "ols", "twins_all", "ps", "ipw", "plug")}
    assert set(sorted(errors, key=errors.get)[:2]) == {"ipw", "plug"}


def test_weighting_by_hand_equals_the_package(chapter):
    assert math.isclose(chapter["nc_ipw_hand"], chapter["nc_ipw"], rel_tol=1e-6)


def test_weighting_rests_on_a_few_heavy_rows_and_has_a_wide_interval(chapter):
    assert chapter["nc_heaviest"] > 20
    assert chapter["nc_top"] > 4  # per cent of the weight, on one per cent of the rows
    assert chapter["nc_wider"] > 1.3


def test_a_propensity_model_that_lacks_columns_is_off_and_does_not_say_so(chapter):
    assert chapter["nc_partial_lower"] > chapter["nc_ate"] + 1
    assert chapter["nc_product"] == pytest.approx(chapter["nc_raw"], rel=0.05)
    for key in ("nc_partial", "nc_product"):
        assert chapter[f"{key}_se"] == pytest.approx(chapter["nc_partial_all_se"], rel=0.15)


def test_weak_overlap_widens_the_spread_of_weighting(chapter):
    assert chapter["nc_spread_05"] > 1.3 * chapter["nc_spread_1"]
    assert chapter["nc_worst_05"] - chapter["nc_least_05"] > chapter["nc_ate"]


def test_a_penalty_leads_the_plug_in_back_to_the_naive_difference(chapter):
    assert chapter["nc_path_start"] < chapter["nc_ate"]
    assert math.isclose(chapter["nc_path_end"], chapter["nc_raw"], rel_tol=1e-6)


def test_over_forty_markets_four_methods_are_off_and_hardly_ever_cover(chapter):
    for key in ("raw", "strata", "ols", "twins"):
        assert chapter[f"nc_bias_{key}"] > 1
        assert chapter[f"nc_cover_{key}"] <= 40
    assert 0 < chapter["nc_mc_plr"] < chapter["nc_bias_ols"]


def test_over_forty_markets_the_plug_in_claims_less_than_half_its_spread_and_covers_too_rarely(chapter):
    assert chapter["nc_mcse_plug"] < 0.5 * chapter["nc_sd_plug"]
    assert chapter["nc_cover_plug"] < 80
    assert abs(chapter["nc_bias_plug"]) < 1


def test_over_forty_markets_the_two_that_use_the_propensity_hold_up(chapter):
    for key in ("ps", "ipw"):
        assert abs(chapter[f"nc_bias_{key}"]) < 0.4
        assert chapter[f"nc_cover_{key}"] >= 87.5  # 35 of 40: of a true 95% nearly always so many
    assert chapter["nc_mcse_ipw"] > 1.2 * chapter["nc_sd_ipw"]  # "covers too often"


def test_adjusting_for_clicks_removes_the_effect_and_looks_precise(chapter):
    assert chapter["nc_explained"] > 75
    assert chapter["nc_clicks_ols_upper"] < 0.2 * chapter["nc_ate"]
    assert chapter["nc_clicks_ols_se"] < chapter["nc_ols_se"]
    assert chapter["nc_clicks_ps_upper"] < 0.3 * chapter["nc_ate"]


def test_in_the_other_story_what_leaves_selection_in_errs_downwards_and_least_squares_is_close(chapter):
    for key in ("raw", "strata", "twins"):
        assert chapter[f"nc_sr_{key}_upper"] < chapter["nc_sr_ate"]
    assert covers(chapter, "nc_sr_ols", "nc_sr_ate")
    assert chapter["nc_sr_plr"] == pytest.approx(chapter["nc_sr_ate"], rel=0.1)


def test_five_strata_of_the_propensity_remove_about_nine_tenths_and_twenty_more(chapter):
    assert 80 < chapter["nc_sub_removed"] < 98
    assert abs(error(chapter, "nc_sub_20")) < abs(error(chapter, "nc_sub_5"))


def test_a_hidden_trait_defeats_all_seven_and_the_placebo_tells(chapter):
    assert chapter["nc_hidden_misses"] == chapter["nc_hidden_n"] == chapter["nc_hidden_alarms"] == 7
    assert chapter["nc_hidden_least_lower"] > chapter["nc_ate"]
