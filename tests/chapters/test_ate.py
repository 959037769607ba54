"""What chapter 5 claims about the average effect, its error and its interval."""

import pytest
from scipy.stats import binom


def covers(chapter, key, truth="ate_truth"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_the_plr_answer_taken_for_everyone_promises_too_much(chapter):
    assert chapter["ate_plr_lower"] > chapter["ate_truth"]
    assert covers(chapter, "ate_plr", "ate_plr_truth")
    assert chapter["ate_missing"] > 0.1 * chapter["ate_true_total"]


def test_predicted_effects_of_rows_lean_to_one_side(chapter):
    assert chapter["ate_tenth_first_true"] + 0.2 < chapter["ate_tenth_first"] < chapter["ate_tenth_first_true"] + 1
    assert chapter["ate_tenth_last"] == pytest.approx(chapter["ate_tenth_last_true"], abs=0.2)
    assert chapter["ate_truth"] + 0.1 < chapter["ate_plug"] < chapter["ate_truth"] + 0.5


def test_the_score_by_hand_is_the_package_to_the_last_digit(chapter):
    assert chapter["ate_hand_gap"] < 1e-10
    assert chapter["ate_hand_se_gap"] < 1e-10
    assert chapter["ate_hand_gap_signal"] < 1e-10


def test_the_interval_covers_the_average_effect(chapter):
    assert covers(chapter, "ate_dml")


def test_the_correction_took_this_sample_nearer_to_the_truth(chapter):
    assert abs(chapter["ate_dml"] - chapter["ate_truth"]) < 0.5 * abs(chapter["ate_plug"] - chapter["ate_truth"])


def test_either_model_alone_carries_the_estimate_and_none_is_the_naive_difference(chapter):
    assert covers(chapter, "ate_no_g")
    assert covers(chapter, "ate_no_m")
    assert not covers(chapter, "ate_neither")
    assert chapter["ate_naive_gap"] < 1e-10
    assert chapter["ate_wider"] > 1.4


def test_few_rows_carry_much_of_the_variance_and_are_unexpected_followers(chapter):
    assert chapter["ate_strong"] > 15
    assert chapter["ate_strong_followers"] > 60
    assert chapter["ate_strong_m"] < 0.8 * chapter["ate_m"]


def test_errors_by_seller_are_larger_and_copies_of_rows_do_not_fool_them(chapter):
    assert chapter["ate_se_rows"] < chapter["ate_se_sellers"]
    assert chapter["ate_se_hand_gap"] < 1e-10
    assert chapter["ate_se_copies"] == pytest.approx(chapter["ate_se_rows"] / 5**0.5)
    assert chapter["ate_se_copies_within"] == pytest.approx(chapter["ate_se_sellers"])


@pytest.mark.parametrize("key", ["ate_cover", "ate_cover_plr"])
def test_intervals_cover_their_own_target_as_often_as_promised(chapter, key):
    assert chapter["ate_band_low"] <= chapter[key] <= chapter["ate_band_high"]


def test_intervals_do_not_cover_other_targets_as_often(chapter):
    few = binom.ppf(0.001, 100, 0.95)
    assert chapter["ate_cover_naive"] == 0
    assert chapter["ate_cover_crossed"] < few
    assert chapter["ate_cover_crossed_ate"] < few


def test_the_standard_error_knows_the_spread_over_markets(chapter):
    assert chapter["ate_mc_se"] == pytest.approx(chapter["ate_mc_spread"], rel=0.2)
    assert chapter["ate_mc_mean"] == pytest.approx(chapter["ate_truth"], abs=3 * chapter["ate_mc_spread"] / 10)
    assert chapter["ate_mc_naive"] > 2 * chapter["ate_truth"]


def test_thin_overlap_widens_the_interval_and_moves_the_plr_target(chapter):
    assert chapter["ate_thin_ratio"] > 1.6
    assert chapter["ate_thin_plr_ratio"] < chapter["ate_thin_ratio"] < chapter["ate_thin_raw_ratio"]
    assert chapter["ate_thin_plr_last"] > 1.2 * chapter["ate_thin_plr_first"]
    assert chapter["ate_thin_clipped"] > 20


def test_what_the_product_owner_may_say_is_the_estimate_times_the_rows(chapter):
    assert chapter["ate_total"] == pytest.approx(chapter["ate_rows"] * chapter["ate_dml"])
    true_total = chapter["ate_rows"] * chapter["ate_truth"]
    assert chapter["ate_total_lower"] < true_total < chapter["ate_total_upper"]


def test_the_scoreboard_names_two_older_estimators_that_cover_and_five_that_do_not(chapter):
    covering = {
        key for key in ("strata", "ols", "twins", "matching", "ipw", "plug_in") if covers(chapter, f"ate_board_{key}")
    }
    assert covering == {"matching", "ipw"}
    assert not covers(chapter, "ate_naive")
    assert chapter["ate_vs_ipw"] > 1.2
    assert chapter["ate_vs_plug"] > 2


def test_the_month_before_shows_no_effect_once_the_models_have_worked(chapter):
    assert chapter["ate_placebo_naive_lower"] > 0
    assert chapter["ate_placebo_lower"] < 0 < chapter["ate_placebo_upper"]


def test_the_two_targets_differ_beyond_noise_although_their_intervals_overlap(chapter):
    assert chapter["ate_contrast_upper"] < 0
    assert chapter["ate_contrast_se"] < 0.6 * chapter["ate_se_independent"]
    assert chapter["ate_plr_lower"] < chapter["ate_dml_upper"]


def test_clipping_trades_error_for_trust_in_the_outcome_model(chapter):
    assert chapter["ate_clip_last_se"] < 0.25 * chapter["ate_clip_first_se"]
    assert chapter["ate_clip_last_covers"] == "no"


def test_estimates_speak_up_where_overlap_is_gone_and_trimming_covers_the_rows_it_keeps(chapter):
    assert chapter["ate_caution"] == "yes"
    assert chapter["ate_caution_ordinary"] == "no"
    assert covers(chapter, "ate_trimmed", "ate_trimmed_truth")
    assert 50 < chapter["ate_trimmed_away"] < 80
    assert chapter["ate_trimmed_engagement"] < -0.8
