"""What the chapter on the average effect claims of it, of its error and of its interval."""

import pytest
from scipy.stats import binom


def covers(chapter, key, truth="ate_truth"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_a_default_adds_less_than_half_of_what_the_plr_answer_promised(chapter):
    assert covers(chapter, "ate_plr", "ate_plr_truth")
    assert chapter["ate_default_total"] < 0.5 * chapter["ate_promised"]
    assert chapter["ate_default"] == pytest.approx((1 - chapter["ate_share"] / 100) * chapter["ate_atc"], rel=1e-3)
    assert chapter["ate_missing"] > 0.1 * chapter["ate_true_total"]


def test_predicted_effects_of_rows_lean_to_one_side(chapter):
    assert chapter["ate_tenths_high"] >= 9
    assert chapter["ate_tenth_last"] > chapter["ate_tenth_last_true"] + 0.5
    assert chapter["ate_ordinary_plug"] > 3 * chapter["ate_ordinary_plug_mc"]


def test_one_per_cent_of_sales_is_not_nothing_beside_the_standard_error(chapter):
    assert 0.5 < chapter["ate_one_percent"] / chapter["ate_dml_se"] < 1
    assert chapter["ate_ten_percent"] > 5 * chapter["ate_dml_se"]


def test_the_score_by_hand_is_the_package_to_the_last_digit(chapter):
    assert chapter["ate_hand_gap"] < 1e-10
    assert chapter["ate_hand_se_gap"] < 1e-10
    assert chapter["ate_hand_gap_signal"] < 1e-10


def test_the_interval_covers_the_average_effect(chapter):
    assert covers(chapter, "ate_dml")


def test_a_blind_model_moves_the_estimate_a_little_and_two_make_it_the_naive_difference(chapter):
    for key in ("ate_no_g_moves", "ate_no_m_moves"):
        assert abs(chapter[key]) < 0.2 * chapter["ate_neither_moves"]
    assert chapter["ate_naive_gap"] < 1e-10
    assert chapter["ate_wider"] > 1.4


def test_few_rows_carry_much_of_the_variance_by_residual_and_weight(chapter):
    assert chapter["ate_strong"] > 15
    assert chapter["ate_strong_followers"] > 60
    assert chapter["ate_strong_m"] < 0.7 * chapter["ate_m"]
    assert min(chapter["ate_strong_residual"], chapter["ate_strong_weight"], chapter["ate_strong_sales"]) > 1.5


def test_sums_within_sellers_cancel_in_part_and_copies_of_rows_do_not_fool_them(chapter):
    assert chapter["ate_mixed"] > 50
    assert chapter["ate_arms_together"] < -0.1
    assert abs(chapter["ate_se_growth"]) < 10
    assert chapter["ate_se_hand_gap"] < 1e-10
    assert chapter["ate_se_copies"] == pytest.approx(chapter["ate_se_rows"] / 5**0.5)
    assert chapter["ate_se_copies_within"] == pytest.approx(chapter["ate_se_sellers"])


@pytest.mark.parametrize("key", ["ate_cover", "ate_cover_plr"])
def test_intervals_cover_their_own_target_as_often_as_promised(chapter, key):
    assert chapter["ate_markets"] == 100
    assert chapter["ate_band_low"] <= chapter[key] <= chapter["ate_band_high"]
    assert chapter["ate_sr_n"] == 100
    assert chapter["ate_band_low"] <= chapter["ate_sr_cover"] <= chapter["ate_band_high"]


def test_intervals_do_not_cover_other_targets_as_often(chapter):
    few = binom.ppf(0.001, 100, 0.95)
    assert chapter["ate_cover_naive"] == 0
    assert chapter["ate_cover_crossed"] < few
    assert chapter["ate_cover_crossed_ate"] < few


def test_most_of_what_residual_on_residual_lies_above_the_ate_is_the_other_question(chapter):
    other, left = chapter["ate_rr_other"], chapter["ate_ordinary_rr"]
    assert chapter["ate_rr_above"] == pytest.approx(other + left, abs=1e-3)
    assert other > 3 * left > 6 * chapter["ate_ordinary_rr_mc"]


def test_the_standard_error_knows_the_spread_over_markets(chapter):
    assert chapter["ate_mc_ratio"] == pytest.approx(1, abs=0.2)
    assert abs(chapter["ate_mc_bias"]) < 0.3


def test_thin_overlap_widens_the_interval_and_fifty_markets_cannot_tell_it_from_an_honest_one(chapter):
    assert chapter["ate_thin_n"] == 50
    assert chapter["ate_thin_ratio"] > 1.6
    assert chapter["ate_thin_band_low"] <= chapter["ate_thin_dml_covering"] <= chapter["ate_thin_band_high"]
    assert chapter["ate_thin_ipw"] > 3 * chapter["ate_thin_ipw_mc"]
    assert chapter["ate_thin_plug"] > 3 * chapter["ate_thin_plug_mc"]
    assert chapter["ate_thin_plug_cover"] < 40
    assert chapter["ate_thin_plug_ratio"] == pytest.approx(1, abs=0.1)  # "as narrow as before"
    assert abs(chapter["ate_thin_dml"]) < 0.5 * min(chapter["ate_thin_ipw"], chapter["ate_thin_plug"])


def test_residual_on_residual_keeps_its_composure_and_moves_its_target(chapter):
    assert chapter["ate_thin_rr_cover"] >= 86
    assert chapter["ate_thin_target"] > 1.1 * chapter["ate_plr_truth"]


def test_estimates_speak_up_where_overlap_is_gone_and_trimming_covers_the_rows_it_keeps(chapter):
    assert chapter["ate_caution_thin"] > 85
    assert chapter["ate_thin_att_caution"] > 75
    assert chapter["ate_thin_att"] < -1.5 * chapter["ate_thin_att_mc"]
    assert chapter["ate_caution_ordinary"] < 5
    assert covers(chapter, "ate_trimmed", "ate_trimmed_truth")
    assert abs(chapter["ate_trimmed"] - chapter["ate_trimmed_truth"]) < 0.5 * chapter["ate_trimmed_se"]
    assert 50 < chapter["ate_trimmed_away"] < 85
    assert chapter["ate_trimmed_engagement"] < -0.8
    assert max(chapter["ate_trimmed_keen"], chapter["ate_trimmed_averse"]) < 25  # "left out at both ends"


def test_what_the_product_owner_may_say_is_what_a_default_adds(chapter):
    assert chapter["ate_total"] == pytest.approx(chapter["ate_rows"] * chapter["ate_by_default"])
    assert chapter["ate_total_lower"] < chapter["ate_default_total"] < chapter["ate_total_upper"]
    assert chapter["ate_decisions_cover"] == 4
    assert chapter["ate_sum_gap"] < 0.01


def test_of_a_hundred_intervals_four_methods_come_near_the_promise_and_one_of_them_is_narrow(chapter):
    """95 of a hundred, give or take five."""
    near = ("matching", "logit", "weighting", "dml")
    for key in near:
        assert chapter[f"ate_why_{key}"] >= 89, key
    for key in ("naive", "strata", "ols", "twins", "trees"):
        assert chapter[f"ate_why_{key}"] < 65, key
    assert min(chapter[f"ate_why_wider_{key}"] for key in near[:3]) > 35
    assert chapter["ate_why_scatter"] > 1.3
    assert covers(chapter, "ate_board_twins")
    assert chapter["ate_board_plug_in"] != pytest.approx(chapter["ate_plug"], abs=0.01)
    assert abs(chapter["ate_why_bias_weighting"]) > 3 * chapter["ate_why_mc_weighting"]
    assert abs(chapter["ate_why_bias_dml"]) < 0.5 * abs(chapter["ate_why_bias_weighting"])
    assert chapter["ate_nearer"] > 3 * chapter["ate_nearer_mc"]


def test_three_rows_by_hand(chapter):
    assert [chapter[f"ate_three_{key}"] for key in ("first", "second", "third")] == pytest.approx([36, 0, 4])


def test_the_error_is_the_product_of_errors(chapter):
    assert chapter["ate_settled"] == pytest.approx(chapter["ate_product"], abs=0.2)
    assert abs(chapter["ate_product"]) < 0.1 * chapter["ate_g_error"]


def test_the_two_targets_differ_beyond_noise_although_their_intervals_overlap(chapter):
    assert chapter["ate_contrast_upper"] < 0
    assert chapter["ate_contrast_se"] < 0.6 * chapter["ate_se_independent"]
    assert chapter["ate_plr_lower"] < chapter["ate_dml_upper"]
    assert chapter["ate_gap_true"] == pytest.approx(-chapter["ate_rr_other"])
    assert chapter["ate_contrast_lower"] < chapter["ate_gap_true"] < chapter["ate_contrast_upper"]


def test_one_model_alone_is_consistent_and_no_promise_of_an_interval(chapter):
    assert chapter["ate_one_true"] >= 89
    assert chapter["ate_one_both"] >= 89
    assert chapter["ate_one_nearly"] < 50
    assert abs(chapter["ate_one_both_bias"]) < 3 * chapter["ate_one_both_mc"]
    assert chapter["ate_one_nearly_bias"] > 1


def test_clipping_trades_error_for_trust_in_the_outcome_model(chapter):
    assert chapter["ate_clip_last_se"] < 0.25 * chapter["ate_clip_first_se"]
    assert chapter["ate_clip_moves"] > chapter["ate_clip_first_se"]
    assert chapter["ate_clip_moves_lower"] < 0 < chapter["ate_clip_moves_upper"]
    assert abs(chapter["ate_clip_last"] - chapter["ate_clip_plug"]) < abs(
        chapter["ate_clip_first"] - chapter["ate_clip_plug"]
    )
