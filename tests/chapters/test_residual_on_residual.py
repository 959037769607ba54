"""What chapter 4 claims about residual on residual, by hand and by both libraries."""

import pytest


def covers(chapter, key, truth):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_regression_with_controls_is_residual_on_residual_to_the_last_digit(chapter):
    assert chapter["rr_fwl_gap"] < 1e-10
    assert chapter["rr_decision"] == pytest.approx(chapter["rr_both"], abs=1e-10)


def test_with_no_prediction_taken_out_the_slope_is_the_naive_difference(chapter):
    assert chapter["rr_naive_gap"] < 1e-10


def test_residualising_the_outcome_lowers_the_error_and_nothing_else(chapter):
    assert chapter["rr_both_se"] < 0.8 * chapter["rr_decision_se"]
    assert chapter["rr_denoise"] == pytest.approx(100 * (1 - chapter["rr_both_se"] / chapter["rr_decision_se"]))


def test_residualising_only_the_outcome_takes_part_of_the_effect_away(chapter):
    assert chapter["rr_outcome"] == pytest.approx(chapter["rr_both"] * chapter["rr_left_of_d"] / 100)
    assert chapter["rr_outcome"] < 0.9 * chapter["rr_both"]
    distance = {key: abs(chapter[f"rr_{key}"] - chapter["rr_ate"]) for key in ("neither", "outcome", "both")}
    assert min(distance, key=distance.get) == "outcome"


def test_lines_miss_the_target_of_residuals_even_with_very_many_rows(chapter):
    assert chapter["rr_line_lower"] > chapter["rr_line_truth"]


def test_predicting_the_rows_one_was_fitted_on_loses_the_effect_as_trees_are_added(chapter):
    assert chapter["rr_in_last"] < chapter["rr_in_first"] < chapter["rr_plr_truth"]
    assert chapter["rr_in_last_upper"] < chapter["rr_plr_truth"]
    assert chapter["rr_in_last_se"] < chapter["rr_in_first_se"]
    assert chapter["rr_left_last"] < 0.8 * chapter["rr_noise"]


def test_cross_fitting_makes_the_number_of_trees_matter_little(chapter):
    assert chapter["rr_out_range"] < 0.4 * chapter["rr_in_range"]
    assert chapter["rr_out_covering"] == 5
    assert chapter["rr_noise"] < chapter["rr_left_out"]
    assert chapter["rr_left_out_100"] < chapter["rr_left_out"]


def test_errors_pass_straight_through_a_plug_in_and_only_in_second_order_through_residuals(chapter):
    assert chapter["rr_double_plug"] == pytest.approx(2, rel=0.01)
    assert 3.5 < chapter["rr_double_both"] < 4.5
    assert chapter["rr_lost_both"] < 0.3 * chapter["rr_lost_plug"]
    assert max(chapter["rr_lost_outcome"], chapter["rr_lost_decision"]) < 0.05 * chapter["rr_lost_plug"]


def test_models_that_learned_nothing_end_at_the_naive_difference(chapter):
    assert chapter["rr_nothing_plug"] == pytest.approx(chapter["rr_large_naive"])
    assert chapter["rr_nothing_both"] == pytest.approx(chapter["rr_large_naive"])


def test_the_package_is_the_slope_by_hand(chapter):
    assert chapter["rr_hand_gap"] < 1e-10
    assert chapter["rr_hand_se_gap"] < 1e-10


def test_the_interval_covers_its_own_target_and_not_the_ate(chapter):
    assert covers(chapter, "rr_plr", "rr_plr_truth")
    assert not covers(chapter, "rr_plr", "rr_ate")
    assert chapter["rr_explained_d"] < 30 < chapter["rr_explained_y"]


def test_three_libraries_agree_to_the_last_digit(chapter):
    assert chapter["rr_gap_doubleml"] < 1e-10
    assert chapter["rr_gap_econml"] < 1e-10
    assert chapter["rr_gap_se_doubleml"] < 1e-10
    n = chapter["rr_flat_rows"]
    assert chapter["rr_se_ratio_econml"] == pytest.approx((n / (n - 1)) ** 0.5, abs=1e-8)


def test_the_target_exceeds_the_ate_because_weight_and_effect_rise_together(chapter):
    assert chapter["rr_gap_percent"] > 10
    assert chapter["rr_gap_formula"] == pytest.approx(chapter["rr_gap_sample"], abs=1e-6)
    assert chapter["rr_weight_low"] < 0.6 < 1.2 < chapter["rr_weight_high"]
    assert chapter["rr_effect_low"] < chapter["rr_effect_high"]


def test_a_hidden_trait_is_not_cleaned_away(chapter):
    assert covers(chapter, "rr_hidden_none", "rr_hidden_none_truth")
    assert chapter["rr_hidden_half_lower"] > chapter["rr_hidden_half_truth"]
    assert chapter["rr_hidden_full"] > 1.5 * chapter["rr_hidden_full_truth"]


def test_an_outcome_model_that_knows_the_decision_leaves_no_effect_in_its_residual(chapter):
    assert chapter["rr_inside_lower"] < 0 < chapter["rr_inside_upper"]


def test_greedy_trees_lose_the_effect_in_sample_and_some_of_it_cross_fitted(chapter):
    assert chapter["rr_greedy_in"] < chapter["rr_greedy_out"] - 0.5
    assert chapter["rr_greedy_formula"] < chapter["rr_plr_truth"]
    assert chapter["rr_greedy_out"] < chapter["rr_plr_truth"]


def test_with_a_coin_the_two_targets_agree(chapter):
    assert chapter["rr_coin_gap"] == pytest.approx(0, abs=1e-9)
    assert abs(chapter["rr_expert_gap"]) > 0.1
