"""What the chapter on residuals claims, with perfect forecasts, by hand and by both libraries."""

import pytest


def covers(chapter, key, truth):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_the_decisions_forecast_takes_the_bias_and_the_outcomes_takes_noise(chapter):
    for key in ("decision", "both"):
        assert abs(chapter[f"rr_{key}"]) < 3 * chapter[f"rr_{key}_mc"]
    assert chapter["rr_neither"] > 20 * chapter["rr_neither_mc"]
    assert 28 < chapter["rr_denoise"] < 38  # "about a third"


def test_residualising_only_the_outcome_takes_part_of_the_effect_away(chapter):
    share = chapter["rr_left_of_d"] / 100
    assert chapter["rr_outcome"] == pytest.approx(4 * (share - 1), abs=5 * chapter["rr_outcome_mc"])
    assert chapter["rr_outcome"] < -5 * chapter["rr_outcome_mc"]
    assert chapter["rr_trap"] == pytest.approx(chapter["rr_trap_formula"], abs=0.1)


def test_regression_with_controls_is_residual_on_residual_to_the_last_digit(chapter):
    assert chapter["rr_fwl_gap"] < 1e-10


def test_lines_miss_the_target_of_residuals_even_with_very_many_rows(chapter):
    assert chapter["rr_line_lower"] > chapter["rr_line_truth"]


def test_predicting_the_rows_one_was_fitted_on_loses_the_effect_as_trees_are_added(chapter):
    assert chapter["rr_in_last"] < chapter["rr_in_first"] < chapter["rr_with_truth"]
    assert chapter["rr_left_last"] < 0.8 * chapter["rr_noise"]
    assert chapter["rr_left_last_v"] < 0.9 * chapter["rr_noise_v"]


def test_both_residuals_shrink_differently_and_most_where_effects_are_large(chapter):
    assert chapter["rr_u_most"] < chapter["rr_v_most"] - 10
    assert chapter["rr_u_little"] > chapter["rr_v_little"] + 10
    assert chapter["rr_effect_most"] > 3 * chapter["rr_effect_little"]
    assert chapter["rr_part_found"] < chapter["rr_part_true"] - 0.5
    assert chapter["rr_part_true"] + chapter["rr_rest_true"] == pytest.approx(chapter["rr_with_truth"])
    assert chapter["rr_part_found"] + chapter["rr_rest_found"] == pytest.approx(chapter["rr_in_last"])
    assert chapter["rr_rest_found"] > chapter["rr_rest_true"]  # all that is missing is missing in the top third


def test_one_smoother_for_both_forecasts_loses_nothing_and_is_not_right_for_that(chapter):
    assert chapter["rr_smoother_gap"] < 1e-9
    assert chapter["rr_smoother"] > chapter["rr_plr_truth"] + 0.3


def test_cross_fitting_makes_the_number_of_trees_matter_little(chapter):
    assert chapter["rr_out_range"] < 0.4 * chapter["rr_in_range"]
    assert chapter["rr_out_off"] < 0.5 * chapter["rr_out_se"]
    assert chapter["rr_out_se"] > abs(chapter["rr_with_truth"] - chapter["rr_plr_truth"]) / 2
    assert chapter["rr_noise"] < chapter["rr_left_out"]
    assert chapter["rr_left_out_100"] < chapter["rr_left_out"]


def test_errors_pass_straight_through_a_plug_in_and_only_in_second_order_through_residuals(chapter):
    assert chapter["rr_double_plug"] == pytest.approx(2, rel=0.01)
    assert 3.5 < chapter["rr_double_both"] < 4.5
    assert abs(chapter["rr_alone"]) < 0.02 * chapter["rr_nothing_both"]
    assert chapter["rr_lost_both"] < 0.3 * chapter["rr_lost_plug"]
    assert max(chapter["rr_lost_outcome"], chapter["rr_lost_decision"]) < 0.05 * chapter["rr_lost_plug"]


def test_models_that_learned_nothing_end_at_the_naive_difference(chapter):
    assert chapter["rr_nothing_plug"] == pytest.approx(chapter["rr_large_naive"])
    assert chapter["rr_nothing_both"] == pytest.approx(chapter["rr_large_naive"])


def test_the_package_is_the_slope_by_hand(chapter):
    assert chapter["rr_hand_gap"] < 1e-10


def test_the_interval_covers_its_own_target_and_not_the_ate(chapter):
    assert covers(chapter, "rr_plr", "rr_plr_truth")
    assert not covers(chapter, "rr_plr", "rr_ate")
    assert chapter["rr_explained_d"] < chapter["rr_explained_true"] < 25 < 50 < chapter["rr_explained_y"]


def test_the_scoreboards_mark_does_not_separate_the_regression_but_many_markets_do(chapter):
    assert covers(chapter, "rr_ols", "rr_plr_truth")
    assert chapter["rr_ols_above"] > 5 * chapter["rr_ols_above_mc"]
    assert chapter["rr_arena_bias"] > 0  # higher is then further from the target


def test_over_a_hundred_markets_the_interval_keeps_its_promise(chapter):
    assert chapter["rr_arena_n"] == 100
    assert 89 <= chapter["rr_arena_cover"] <= 99
    assert 2 * chapter["rr_arena_mc"] < chapter["rr_arena_bias"] < 0.3
    assert chapter["rr_arena_cover_mc"] == pytest.approx(2.4, abs=0.5)


def test_an_outcome_model_that_knows_the_decision_leaves_no_effect_in_its_residual(chapter):
    assert abs(chapter["rr_inside"]) < 2 * chapter["rr_inside_se"] < 0.3 * chapter["rr_plr"]


def test_both_libraries_agree_to_twelve_decimals(chapter):
    assert chapter["rr_gap_doubleml"] < 5e-13
    assert chapter["rr_gap_econml"] < 5e-13
    assert chapter["rr_gap_se_doubleml"] < 1e-10
    n = chapter["rr_flat_rows"]
    assert chapter["rr_se_ratio_econml"] == pytest.approx((n / (n - 1)) ** 0.5, abs=1e-8)


def test_the_target_exceeds_the_ate_because_weight_and_effect_rise_together(chapter):
    assert chapter["rr_gap_percent"] > 10
    assert chapter["rr_gap_formula"] == pytest.approx(chapter["rr_gap_sample"], abs=1e-6)
    assert chapter["rr_weight_low"] < 0.6 < 1.2 < chapter["rr_weight_high"]
    assert chapter["rr_effect_low"] < 0.2 * chapter["rr_effect_even"]
    assert 40 < chapter["rr_even"] < 60  # "about as likely to follow as not"


def test_a_points_ray_has_its_rows_effect_for_slope_far_from_zero_and_not_near_it(chapter):
    for key, close in (("left", 1.5), ("right", 0.5)):
        assert chapter[f"rr_ray_{key}"] == pytest.approx(chapter[f"rr_ray_{key}_true"], abs=close), key
    assert chapter["rr_ray_right"] < 1.5 < 8 < chapter["rr_ray_left"]
    assert chapter["rr_ray_top"] > 1.5 * chapter["rr_ray_top_true"]


def test_a_hidden_trait_is_not_cleaned_away(chapter):
    assert chapter["rr_hidden_pairs"] == 50
    assert chapter["rr_hidden_added"] > 10 * chapter["rr_hidden_mc"]
    assert chapter["rr_hidden_cover"] < 10
    assert 0 < chapter["rr_hidden_wider"] < 100  # far too little for an error of several units


def test_four_rows_by_hand(chapter):
    assert chapter["rr_four"] == pytest.approx((0.8 * 4 + 0.2 * 1 + 0.2 * 2 + 0.8 * 8) / 1.36)


def test_greedy_trees_lose_the_effect_in_sample_and_blow_up_the_denominator(chapter):
    assert chapter["rr_greedy_in"] < chapter["rr_greedy_out"] - 0.5
    whole = chapter["rr_greedy_formula"] + chapter["rr_greedy_lifted"]
    assert whole == pytest.approx(chapter["rr_greedy_out"], abs=2 * chapter["rr_out_se"])
    assert chapter["rr_greedy_lifted"] > 0.1
    assert chapter["rr_greedy_formula"] < chapter["rr_greedy_out"] < chapter["rr_plr_truth"]


def test_with_a_coin_the_two_targets_agree(chapter):
    assert chapter["rr_coin_gap"] == pytest.approx(0, abs=1e-9)
    assert chapter["rr_expert_gap"] < -0.1 < 0.1 < chapter["rr_keen_gap"]  # "in opposite directions"
