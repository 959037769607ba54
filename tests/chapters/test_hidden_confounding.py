"""What the chapter claims about hidden confounding: how far, within which bounds, and what other answers hang on."""

import numpy as np
import pytest

from tests.benchmarks.hidden import bent


def covers(chapter, key, truth="hc_truth"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_the_checks_of_the_table_pass_a_wrong_estimate_and_the_placebo_objects(chapter):
    assert chapter["hc_passed"] == chapter["hc_checks"] == 3
    assert not covers(chapter, "hc_att")
    assert chapter["hc_placebo_lower"] > 0
    error = chapter["hc_att"] - chapter["hc_truth"]
    assert error == pytest.approx(chapter["hc_bias"], abs=2 * chapter["hc_att_se"])


def test_no_single_group_moves_the_estimate_much_and_two_together_do(chapter):
    for group in ("keen", "demand", "stock", "past"):
        assert abs(chapter[f"hc_move_{group}"]) < min(0.6, chapter["hc_move_both_lower"] / 3), group
    assert chapter["hc_move_stock_lower"] > 0
    for group in ("keen", "demand", "past"):
        assert chapter[f"hc_move_{group}_lower"] < 0 < chapter[f"hc_move_{group}_upper"], group
    assert chapter["hc_move_past"] == pytest.approx(chapter["hc_move_stock"], abs=0.2)
    assert chapter["hc_move_past_se"] > 1.5 * chapter["hc_move_stock_se"]
    assert chapter["hc_full_lower"] < chapter["hc_known"] < chapter["hc_full_upper"]


def test_keenness_has_much_of_the_weights_and_past_sales_much_of_the_outcome(chapter):
    assert chapter["hc_keen_d"] > 20 > 10 > chapter["hc_keen_y"]
    assert chapter["hc_past_y"] > 30 > 5 > chapter["hc_past_d"]
    assert chapter["hc_past_low"] > chapter["hc_keen_low"]


def test_a_second_keenness_at_its_worst_puts_the_credit_in_doubt(chapter):
    assert 0 < chapter["hc_keen_limit"] < chapter["hc_break_even"] < chapter["hc_full_lower"]
    assert chapter["hc_keen_doubleml_limit"] < chapter["hc_keen_doubleml_low"] < chapter["hc_break_even"]


def test_both_together_bound_nothing_on_any_reading(chapter):
    assert min(chapter["hc_both_y"], chapter["hc_both_d"]) > chapter["hc_rv"]  # beyond the dashed line
    for reading in ("", "_amount", "_doubleml"):
        assert chapter[f"hc_both{reading}_minus"] > 0, reading
        assert chapter[f"hc_both{reading}_high"] > 2 * chapter["hc_full"], reading
    assert chapter["hc_both_rho"] < 0.3


def test_doublemls_yardsticks_are_the_most_cautious_and_those_of_the_weights_too_large(chapter):
    assert chapter["hc_keen_doubleml_low"] < chapter["hc_keen_low"] < chapter["hc_keen_amount_low"]
    assert chapter["hc_both_doubleml_minus"] > max(chapter["hc_both_minus"], chapter["hc_both_amount_minus"])
    assert chapter["hc_keen_d_amount"] < chapter["hc_keen_d"] < chapter["hc_keen_d_doubleml"]
    assert chapter["hc_past_y"] < chapter["hc_past_y_doubleml"] < 100


def test_the_decisions_threshold_needs_less_than_zero_and_the_limit_less_than_the_bound(chapter):
    assert chapter["hc_rv_cost"] < 0.7 * chapter["hc_rv"]
    assert chapter["hc_rv_limit"] < chapter["hc_rv"]
    assert chapter["hc_rv_cost_limit"] < chapter["hc_rv_cost"]
    assert chapter["hc_break_even"] == pytest.approx(3.75)


def test_bounds_told_the_truth_hold_and_are_wide(chapter):
    for hidden in ("025", "05", "10"):
        assert chapter[f"hc_told_{hidden}"] > 95
    assert chapter["hc_point_05"] < 25
    assert chapter["hc_point_10"] == 0
    for hidden in ("025", "05", "10"):
        assert chapter["hc_rho_025"] <= chapter[f"hc_rho_{hidden}"] <= chapter["hc_rho_10"]
    assert chapter["hc_rho_025"] > 90
    assert chapter["hc_told_05_width"] > 3 * chapter["hc_interval_05"]
    assert chapter["hc_told_10_width"] > 2 * chapter["hc_told_05_width"]
    assert chapter["hc_rho"] < 0.5
    assert chapter["hc_told_10_minus"] > 2  # not even the sign is left


def test_half_of_the_strengths_suffices_as_rho_is_less_than_half(chapter):
    assert chapter["hc_half_05"] > 90


def test_a_recorded_group_is_a_poor_yardstick(chapter):
    assert chapter["hc_as_past_05"] < 70
    assert chapter["hc_as_past_05"] < chapter["hc_as_keen_05"] < 97
    assert chapter["hc_as_both_05"] == 100
    assert chapter["hc_as_both_05_width"] > 4 * chapter["hc_told_05_width"]


def test_past_sales_as_a_yardstick_fail_where_their_gain_is_cut_off(chapter):
    assert chapter["hc_n_bench"] / 3 < chapter["hc_cut_n"] < chapter["hc_n_bench"]
    assert chapter["hc_cut_holds"] < 40 < 80 < chapter["hc_uncut_holds"]


def test_rho_is_kept_down_by_what_the_trait_explains_among_followers(chapter):
    assert 25 < chapter["hc_in_followers"] < 60
    assert chapter["hc_rho"] < chapter["hc_rho_others"] < 1
    assert chapter["hc_rho_most"] * chapter["hc_rho_others"] == pytest.approx(chapter["hc_rho"])
    assert chapter["hc_rho_most"] ** 2 + chapter["hc_in_followers"] / 100 == pytest.approx(1)


def test_sound_bounds_need_sound_learners(chapter):
    assert chapter["hc_conf_trees_point"] < 70
    assert chapter["hc_conf_trees_bounds"] == chapter["hc_conf_trees_rho"] > 95
    assert chapter["hc_conf_trees_bias"] < chapter["hc_pub_bias"]
    assert chapter["hc_bent_trees_point"] < 25
    assert chapter["hc_bent_trees_bounds"] > 95
    assert chapter["hc_bent_lines_bounds"] == 0
    assert chapter["hc_bent_trees_rho"] < chapter["hc_bent_trees_bounds"]


def test_the_trait_of_the_market_that_bends_accounts_for_less_than_half_a_unit(chapter):
    """The trait's bias is that of the true short model: rho times the square root of the strengths and the variances."""
    data, strength = bent(1, 400_000)
    size = np.clip(data.frame["x0"] ** 2 - 1, -1, 2)
    high, low = (1 / (1 + np.exp(0.5 - 0.8 * size - 0.4 * data.frame["x1"] - 0.4 * a)) for a in (1, -1))
    m = (high + low) / 2
    sigma2, nu2 = 9 / (1 - strength["cf_y"]), np.mean(1 / (m * (1 - m)))
    bias = strength["rho"] * np.sqrt(sigma2 * strength["cf_y"] * nu2 * strength["cf_d"] / (1 - strength["cf_d"]))
    assert 0.3 < bias < 0.5
    assert chapter["hc_bent_lines_bias"] > 4 * bias


def test_on_the_published_data_lines_cover_by_errors_that_cancel_and_errors_said_too_large(chapter):
    assert chapter["hc_conf_lines_point"] > 85
    assert chapter["hc_pub_lines"] > 90
    assert 0 < chapter["hc_conf_lines_bias"] < 0.7 * chapter["hc_conf_trait"]
    assert chapter["hc_conf_mean"] == pytest.approx(5, abs=1e-9)
    for name in ("lines", "trees"):
        assert chapter[f"hc_conf_{name}_said"] > 2 * chapter[f"hc_conf_{name}_spread"]
    assert chapter["hc_conf_lines_honest"] < 40
    assert chapter["hc_conf_trees_honest"] == 0
    assert 70 < chapter["hc_conf_trees_rho_honest"] < chapter["hc_conf_trees_rho"]
    assert 0.75 * chapter["hc_conf_trait"] < chapter["hc_conf_reach"] < chapter["hc_conf_trait"]


def test_the_change_is_right_where_the_covariates_are_not_and_equals_doublemls_own(chapter):
    assert covers(chapter, "hc_change")
    assert chapter["hc_change_se"] < 0.75 * chapter["hc_att_se"]
    assert chapter["hc_same"] < 1e-9
    assert chapter["hc_apart_lower"] > 0
    assert chapter["hc_apart"] == pytest.approx(chapter["hc_placebo"], abs=0.3)
    assert chapter["hc_gap_widened"] == pytest.approx(chapter["hc_change"], abs=0.5)
    assert chapter["hc_gap_before"] == pytest.approx(chapter["hc_placebo"], abs=0.5)
    assert chapter["hc_gap_after"] == pytest.approx(chapter["hc_att"], abs=0.7)


def test_the_coin_is_right_and_wide(chapter):
    assert covers(chapter, "hc_coin")
    assert chapter["hc_coin_truth"] == chapter["hc_truth"]
    assert chapter["hc_coin_times"] > 1.5
    assert 1.5 < chapter["hc_times_least"] < chapter["hc_times_most"] < 3
    assert 25 < chapter["hc_share"] < 40
    assert chapter["hc_wald"] == pytest.approx(chapter["hc_coin"], abs=chapter["hc_coin_se"])


SOUND = {
    "none": ("cov", "did", "coin"),
    "both": ("did", "coin"),
    "after": ("coin",),
    "dip": ("cov", "coin"),
    "sells": ("cov", "did"),
}


@pytest.mark.parametrize("world", SOUND)
def test_each_world_breaks_what_it_should_and_nothing_else(chapter, world):
    for answer in ("cov", "did", "coin"):
        key = f"hc_{world}_{answer}"
        if answer in SOUND[world]:
            assert abs(chapter[key]) < 3 * chapter[f"{key}_mc"] + 0.1, answer
            assert chapter[f"{key}_covers"] > 95 - 3 * 100 * np.sqrt(0.05 * 0.95 / chapter["hc_world_n"]), answer
        else:
            assert chapter[key] > 5 * chapter[f"{key}_mc"], answer
            assert chapter[f"{key}_covers"] < 70, answer


def test_in_the_third_world_covariates_and_change_agree_and_are_wrong(chapter):
    assert chapter["hc_after_cov"] == pytest.approx(chapter["hc_after_did"], abs=0.05)
    assert chapter["hc_after_found"] < 20


def test_the_difference_objects_where_a_lead_is_left_and_not_where_there_is_none(chapter):
    assert chapter["hc_both_found"] > 80
    assert chapter["hc_dip_found"] > 80
    assert chapter["hc_none_found"] < 20
    assert chapter["hc_both_contrast"] > 0 > chapter["hc_dip_contrast"]
    assert chapter["hc_none_found"] < 20 > chapter["hc_after_found"]


def test_the_coin_is_a_weak_witness_and_in_the_third_world_the_only_one(chapter):
    assert chapter["hc_both_found_coin"] == chapter["hc_after_found_coin"]  # the same samples
    assert chapter["hc_none_found_coin"] < 20 < chapter["hc_both_found_coin"] < 75
    assert chapter["hc_after_found_change_coin"] > 20 > chapter["hc_after_found"]
    assert chapter["hc_dip_found_change_coin"] > 75
    assert chapter["hc_sells_found_coin"] == pytest.approx(
        chapter["hc_both_found_coin"], abs=20
    )  # though the coin is wrong


def test_the_change_scatters_least_in_every_world(chapter):
    for world in SOUND:
        spread = {answer: chapter[f"hc_{world}_{answer}_spread"] for answer in ("cov", "did", "coin")}
        assert min(spread, key=spread.get) == "did", world


def test_a_trait_that_grows_spoils_both_by_the_formulas_and_leaves_their_difference(chapter):
    assert chapter["hc_grown_cov"] == pytest.approx(chapter["hc_grown_cov_formula"], abs=2 * chapter["hc_grown_se"])
    assert chapter["hc_grown_did"] == pytest.approx(chapter["hc_bias"], abs=2 * chapter["hc_grown_did_se"])
    assert chapter["hc_grown_apart"] == pytest.approx(chapter["hc_apart"], abs=0.3)


def test_the_truth_is_reached_by_less_than_the_traits_strength(chapter):
    assert chapter["hc_rv_the_truth"] < min(chapter["hc_cf_y"], chapter["hc_cf_d"])
    assert chapter["hc_rv_the_truth"] < chapter["hc_rv_break_even"] < chapter["hc_rv_zero"]
    assert chapter["hc_rv_trait"] < chapter["hc_rv_the_truth"]  # chance has a part in the error
    assert chapter["hc_error"] > chapter["hc_bias"]


def test_bounds_on_the_back_of_an_envelope(chapter):
    for strength in (10, 20):
        low, high = (chapter[f"hc_envelope_{strength}_{end}"] for end in ("low", "high"))
        assert (low + high) / 2 == pytest.approx(8)
    assert chapter["hc_envelope_10_high"] - 8 == pytest.approx(30 / np.sqrt(90) / 2)
    assert chapter["hc_envelope_20_high"] - 8 == pytest.approx(30 / np.sqrt(20) / 2)


def test_where_some_follow_unseen_the_late_is_about_the_others(chapter):
    assert (
        chapter["hc_unseen_lower"] < chapter["hc_unseen_moved"] < chapter["hc_unseen_upper"] < chapter["hc_unseen_all"]
    )
    assert chapter["hc_unseen_finds"] > 2 * chapter["hc_unseen_moved"]


def test_the_att_of_an_experiment_with_finders_is_that_of_its_followers(chapter):
    """All who find it themselves follow, and half of the others: the coin's."""
    share = chapter["hc_unseen_share"] / 100
    finders, moved = chapter["hc_unseen_finds"] * share, chapter["hc_unseen_moved"] * (1 - share)
    assert chapter["hc_unseen_all"] == pytest.approx(finders + moved)
    assert chapter["hc_unseen_att"] == pytest.approx((finders + moved / 2) / (share + (1 - share) / 2), rel=0.02)
    assert chapter["hc_unseen_att"] > 1.1 * chapter["hc_unseen_all"]


def test_a_bend_is_a_hidden_confounder_to_a_line(chapter):
    assert chapter["hc_alone_low"] > 5
    assert chapter["hc_squared_low"] < 5 < chapter["hc_squared_high"]
