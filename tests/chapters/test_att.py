"""What the chapter claims about the effect on those who followed, the half of overlap it needs, and its look-alike."""

import pytest


def covers(chapter, key, truth="att_truth"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_the_report_would_claim_too_little_with_the_ate_and_too_much_with_the_naive_difference(chapter):
    assert chapter["att_total_ate"] < 0.75 * chapter["att_total_true"]
    assert chapter["att_total_naive"] > 1.3 * chapter["att_total_true"]
    assert chapter["att_total_true"] == pytest.approx(chapter["att_followers"] * chapter["att_truth_these"])
    assert 35 < chapter["att_short"] < 50


def test_followers_sell_more_anyway_and_gain_a_larger_share(chapter):
    assert chapter["att_base_f"] > 1.15 * chapter["att_base_o"]
    assert chapter["att_pct_f"] > 1.3 * chapter["att_pct_o"]
    assert chapter["att_gain_o"] < chapter["att_same_pct"] < chapter["att_gain_f"]


def test_weighting_by_the_odds_makes_the_others_resemble_followers_in_engagement_and_in_the_past(chapter):
    assert chapter["att_weighted"] == pytest.approx(chapter["att_truth"], rel=0.15)
    assert chapter["att_forecast"] == pytest.approx(chapter["att_truth"], rel=0.15)
    assert abs(chapter["att_engagement_left"]) < 0.1 * chapter["att_engagement_gap"]
    assert chapter["att_weekly_left"] < 0.2 * chapter["att_weekly_gap"]


def test_the_score_by_hand_is_the_package_to_the_last_digit(chapter):
    assert chapter["att_hand_gap"] < 1e-10
    assert chapter["att_hand_se_gap"] < 1e-10


def test_the_interval_covers_the_att(chapter):
    assert chapter["att_covers"] == "yes"
    assert covers(chapter, "att_dml")


def test_the_forecast_left_little_to_correct(chapter):
    assert 0 < chapter["att_correction"] < 0.5 * chapter["att_dml_se"]
    assert chapter["att_forecast"] - chapter["att_correction"] == pytest.approx(chapter["att_dml"])


def test_the_att_does_not_use_the_outcome_model_of_followers_and_the_ate_does(chapter):
    assert chapter["att_nonsense"] < 1e-10
    assert chapter["att_nonsense_se"] < 1e-10
    assert chapter["att_nonsense_wider"] > 10
    assert chapter["att_nonsense_plug"] < -900 < 20 < chapter["att_nonsense_ate"] < 100


def test_over_the_stored_markets_the_att_is_covered_unless_a_trait_is_hidden(chapter):
    for key in ("pro", "self"):
        promised, error = chapter[f"att_arena_{key}"], chapter[f"att_arena_{key}_error"]
        assert promised > 95 - 3 * error, key
        assert abs(chapter[f"att_arena_{key}_bias"]) < 3 * chapter[f"att_arena_{key}_bias_error"] + 0.1, key
    assert chapter["att_arena_hidden"] < 10
    assert chapter["att_arena_hidden_bias"] > 10 * chapter["att_arena_hidden_bias_error"]
    assert chapter["att_arena_thin_width"] > 1.3 * chapter["att_arena_pro_width"]
    assert chapter["att_arena_thin"] > 95 - 2 * chapter["att_arena_thin_error"]
    assert chapter["att_arena_thin_bias"] < -1.5 * chapter["att_arena_thin_bias_error"]


def test_each_average_covers_its_own_truth_and_they_add_up(chapter):
    assert covers(chapter, "att_ate", "att_truth_ate")
    assert covers(chapter, "att_atc", "att_truth_atc")
    assert chapter["att_identity"] < 1e-10


def test_att_and_ate_differ_beyond_noise_and_the_contrast_knows_it_best(chapter):
    assert chapter["att_gains_lower"] > 0
    assert covers(chapter, "att_gains", "att_gains_truth")
    assert chapter["att_gains_se"] < 0.7 * chapter["att_se_independent"]
    assert chapter["att_ate_se"] < chapter["att_dml_se"]


def test_the_waterfall_of_estimates_adds_up_and_each_part_covers_its_truth(chapter):
    assert chapter["att_parts_sum"] < 1e-10
    assert chapter["att_parts_covered"] == 3
    assert covers(chapter, "att_bias", "att_bias_truth")
    assert chapter["att_bias"] > chapter["att_ate"] > chapter["att_gains"]


def test_the_lead_of_followers_was_steady_for_half_a_year_and_is_near_the_selection_bias(chapter):
    assert chapter["att_weekly_gap"] > 1
    assert chapter["att_trend_lower"] < 0 < chapter["att_trend_upper"]
    assert chapter["att_trend_upper"] - chapter["att_trend_lower"] < 0.1 * chapter["att_weekly_gap"]
    assert chapter["att_before_lower"] > 0
    assert chapter["att_apart_lower"] < 0 < chapter["att_apart_upper"]
    assert chapter["att_apart_lower"] == pytest.approx(-1, abs=0.15)
    assert chapter["att_change"] - chapter["att_dml"] == pytest.approx(chapter["att_apart"])
    assert chapter["att_apart"] == pytest.approx(chapter["att_bias"] - chapter["att_before"])
    assert -0.4 < chapter["att_drift"] < 0


def test_each_wall_spoils_the_averages_that_need_what_is_behind_it(chapter):
    spared = [("both", "ate"), ("both", "att"), ("both", "atc"), ("never", "att"), ("always", "atc")]
    for market, average in spared:
        assert abs(chapter[f"att_{market}_{average}_bias"]) < 3 * chapter[f"att_{market}_{average}_bias_error"]
        assert chapter[f"att_{market}_{average}_cautioned"] == 0
    assert abs(chapter["att_wall_change"]) < 2 * chapter["att_wall_change_error"]
    assert 0.14 < chapter["att_never_att_bias_error"] < 0.4
    assert chapter["att_always_ate_bias"] < chapter["att_always_att_bias"]
    assert chapter["att_always_ate_cautioned"] == chapter["att_wall_markets"]
    assert chapter["att_always_ate_bias"] > 2 * chapter["att_always_ate_bias_error"]
    for market, average in [("never", "ate"), ("never", "atc"), ("always", "att")]:
        assert chapter[f"att_{market}_{average}_bias"] > 3 * chapter[f"att_{market}_{average}_bias_error"]
        assert chapter[f"att_{market}_{average}_cautioned"] == chapter["att_wall_markets"]


def test_the_wall_gives_no_warning_in_the_standard_error_but_in_the_propensities(chapter):
    assert chapter["att_wall_wider"] < chapter["att_wall_narrower_error"]
    assert chapter["att_never_absent"] > 20 > chapter["att_never_alone"]
    assert chapter["att_always_alone"] > 50 > chapter["att_always_absent"]
    assert chapter["att_both_alone"] < 0.5
    assert chapter["att_both_absent"] < 0.5
    assert chapter["att_sellers_highest"] < 0.99


def test_econmls_att_misses_where_the_att_score_does_not(chapter):
    assert chapter["att_econml"] == 0.17
    assert chapter["att_mc_econml_bias"] < -4 * chapter["att_mc_econml_bias_error"]
    assert chapter["att_mc_worse"] > 3 * chapter["att_mc_worse_error"]
    assert chapter["att_mc_mean_bias"] < 0
    assert chapter["att_mc_below"] >= 0.75 * chapter["att_mc_markets"]
    assert abs(chapter["att_mc_same_bias"]) < 3 * chapter["att_mc_same_bias_error"]
    assert chapter["att_mc_lift"] > 3 * chapter["att_mc_lift_error"]
    assert chapter["att_forest"] < chapter["att_formula"] < chapter["att_forest_mine"]
    assert chapter["att_forest"] < chapter["att_dml"]
    assert chapter["att_forest_others"] > chapter["att_gain_o"]
    assert chapter["att_forest_mine"] < chapter["att_gain_f"]


def test_a_forest_that_has_learned_nothing_is_as_far_below_the_ate_as_the_att_is_above(chapter):
    ate, att, p = chapter["att_truth_ate"], chapter["att_truth"], chapter["att_share"] / 100
    settled = ate + (1 - p) / p * (chapter["att_truth_atc"] - ate)
    assert chapter["att_nothing"] == pytest.approx(2 * ate - att)
    assert chapter["att_nothing"] == pytest.approx(settled, abs=0.15)  # p here is the sample's
    assert chapter["att_ratio"] == pytest.approx((1 - p) / p)


def test_the_reports_sentence_contains_the_true_total_and_its_interval_is_the_narrower_one(chapter):
    assert chapter["att_total"] == pytest.approx(chapter["att_followers"] * chapter["att_dml"])
    assert chapter["att_total_lower"] < chapter["att_total_true"] < chapter["att_total_upper"]
    assert chapter["att_these"] == chapter["att_dml"]
    assert 2 < chapter["att_these_narrower"] < 30
    assert chapter["att_these_covers"] == "yes"


def test_a_seller_who_has_not_followed_is_promised_far_less_than_the_report_says(chapter):
    assert chapter["att_atc_upper"] < chapter["att_dml_lower"]


def test_the_lines_of_the_categories_add_up_to_the_att_and_hold_together(chapter):
    assert chapter["att_lines_sum"] < 1e-10
    assert chapter["att_lines_ahead_lower"] > 0
    assert chapter["att_lines_covered"] == chapter["att_lines_n"] == 8


def test_private_knowledge_of_the_gain_spoils_the_ate_and_not_the_att(chapter):
    assert chapter["att_private_ate"] > 5 * chapter["att_private_ate_error"]
    assert abs(chapter["att_private_att"]) < 3 * chapter["att_private_att_error"]


def test_a_line_does_not_see_the_wall_and_ruins_without_a_word_what_the_trees_can_answer(chapter):
    assert chapter["att_line_line_above"] < 0.25 * chapter["att_line_trees_above"]
    assert abs(chapter["att_line_line"]) > 10 * chapter["att_line_line_error"]
    assert abs(chapter["att_line_trees"]) < 3 * chapter["att_line_trees_error"]
    assert chapter["att_line_line_said"] == chapter["att_line_trees_said"] == 0


def test_the_change_since_the_month_before_is_nearly_unbiased_here_and_scatters_less(chapter):
    assert abs(chapter["att_did_change"]) < 0.4
    assert abs(chapter["att_did_dml"]) < 3 * chapter["att_did_dml_error"]
    assert chapter["att_did_change_spread"] < 0.7 * chapter["att_did_dml_spread"]
    assert abs(chapter["att_did_apart"]) < 2 * chapter["att_did_apart_error"]
    assert chapter["att_did_markets"] == chapter["att_arena_draws"]
