"""What the chapter on assumptions claims: columns that help and harm, formulas that hold, what a coin buys."""

import pytest


def within_chance(value, monte_carlo_error):
    return abs(value) < 4 * monte_carlo_error


def test_one_more_column_spoils_a_good_adjustment_of_revenue(chapter):
    assert chapter["wt_raw"] > 5 * chapter["wt_raw_mc"]
    assert abs(chapter["wt_before"]) < chapter["wt_raw"] / 3
    assert chapter["wt_contrast"] < -5 * chapter["wt_contrast_mc"]
    assert chapter["wt_clicks"] < -3 * abs(chapter["wt_before"])
    assert chapter["wt_level"] < -5 * chapter["wt_clicks_mc"] < 0 < chapter["wt_revenue_truth"]


def test_what_is_left_before_clicks_is_the_fault_of_the_weights_and_not_of_the_columns(chapter):
    assert chapter["wt_before"] < -4 * chapter["wt_before_mc"]
    assert chapter["wt_before_share"] == pytest.approx(-100 * chapter["wt_before"] / chapter["wt_revenue_truth"])
    assert within_chance(chapter["wt_exact"], chapter["wt_exact_mc"])


def test_rows_that_look_alike_sell_what_their_branch_truly_says_whatever_they_chose(chapter):
    assert chapter["wt_cells"] == 10  # followers and others, in fifths of the propensity
    assert chapter["wt_surprise"] < 3.3  # Monte Carlo errors; the largest of ten
    assert chapter["wt_surprise_mc"] < 0.2  # units, so that the check has teeth


@pytest.mark.parametrize("name", ["ate_m", "att_m"])
def test_the_true_propensity_identifies_the_effect(chapter, name):
    assert within_chance(chapter[f"wt_{name}"], chapter[f"wt_{name}_mc"])


def test_weighting_spreads_much_more_than_the_true_outcome_model(chapter):
    assert chapter["wt_m_sd"] > 3 * chapter["wt_g_sd"]


def test_a_confounder_is_needed_and_removes_the_bias(chapter):
    assert chapter["wt_conf_without"] > 1
    assert within_chance(chapter["wt_conf_with"], chapter["wt_conf_with_mc"])


@pytest.mark.parametrize("kind", ["med", "rev", "coll"])
def test_a_bad_control_brings_bias_where_there_was_none(chapter, kind):
    assert within_chance(chapter[f"wt_{kind}_without"], chapter[f"wt_{kind}_without_mc"])
    assert abs(chapter[f"wt_{kind}_contrast"]) > max(1, 20 * chapter[f"wt_{kind}_contrast_mc"])


def test_what_is_left_beside_a_mediator_is_the_direct_effect_and_beside_reviews_one_half(chapter):
    assert within_chance(chapter["wt_med_left"] - 1, chapter["wt_med_with_mc"])
    assert within_chance(chapter["wt_rev_left"] - 2, chapter["wt_rev_with_mc"])


def test_support_calls_make_those_who_do_not_follow_look_worse(chapter):
    assert chapter["wt_coll_contrast"] > 0


def test_an_instrument_costs_precision_and_amplifies_a_hidden_bias(chapter):
    assert within_chance(chapter["wt_ivk_with"], chapter["wt_ivk_with_mc"])
    assert within_chance(chapter["wt_ivk_without"], chapter["wt_ivk_without_mc"])
    assert within_chance(chapter["wt_ivk_contrast"], chapter["wt_ivk_contrast_mc"])
    assert chapter["wt_ivk_ratio"] > 1.1
    assert chapter["wt_ivh_contrast"] > 20 * chapter["wt_ivh_contrast_mc"]
    assert chapter["wt_ivh_with"] > chapter["wt_ivh_without"] > 0


def test_the_figure_of_the_columns_marks_the_wrong_answers(chapter):
    wrong = ["− confounder", "+ mediator", "+ reviews", "+ support calls"]
    assert chapter["wt_wrong"].split(", ") == [*wrong, "− place", "keenness hidden", "+ place", "keenness hidden"]


def test_a_coin_for_showing_finds_the_effect_of_showing_and_so_the_att(chapter):
    assert within_chance(chapter["wt_itt_error"], chapter["wt_itt_mc"])
    assert within_chance(chapter["wt_wald_error"], chapter["wt_wald_mc"])
    assert 0 < chapter["wt_itt_truth"] < 4 < chapter["wt_wald_truth"]  # 4 units is the ATE


def test_followers_among_those_shown_are_still_selected(chapter):
    assert chapter["wt_chosen_error"] > max(1, 20 * chapter["wt_chosen_mc"])


def test_without_overlap_two_worlds_with_different_effects_leave_one_table(chapter):
    assert chapter["wt_same"] == "yes"
    assert chapter["wt_line_ate"] - chapter["wt_bent_ate"] == pytest.approx(1, abs=0.05)
    assert chapter["wt_fitted"] == pytest.approx(chapter["wt_line_ate"], abs=0.1)
    assert chapter["wt_small_line"] == chapter["wt_small_bent"] == pytest.approx(4, abs=0.05)


def test_a_column_that_only_sells_adds_precision_and_no_bias(chapter):
    assert within_chance(chapter["wt_season_contrast"], chapter["wt_season_contrast_mc"])
    assert chapter["wt_season_ratio"] < 0.7


def test_the_derived_formulas_hold_in_the_drawn_worlds(chapter):
    assert chapter["wt_left_gap"] < 4  # Monte Carlo errors
    assert chapter["wt_left_half"] == pytest.approx(0.8, abs=0.1)
    assert within_chance(chapter["wt_amplified"] - chapter["wt_amplify_formula"], chapter["wt_amplified_mc"])
    assert chapter["wt_amplified_mc"] < 0.05
    assert within_chance(chapter["wt_atc_mean"] - chapter["wt_atc"], chapter["wt_atc_mc"])


def test_a_message_that_sells_by_itself_spoils_the_att_and_not_the_effect_of_showing(chapter):
    assert within_chance(chapter["wt_remind"] - chapter["wt_remind_true"], chapter["wt_remind_mc"])
    assert within_chance(chapter["wt_off"] - chapter["wt_off_formula"], chapter["wt_off_mc"])
    assert chapter["wt_off"] > 10 * chapter["wt_off_mc"]


def test_two_versions_in_one_column_give_nobodys_effect(chapter):
    assert 2 < chapter["wt_mixed"] < 3.7
    assert within_chance(chapter["wt_by_hand"] - 4, chapter["wt_by_hand_mc"])
    assert 28 < chapter["wt_default_percent"] < 36  # "about a third" of the deals


def test_a_default_for_everyone_loses_although_the_one_column_promises_a_gain(chapter):
    assert chapter["wt_switch"] < -10 * chapter["wt_switch_mc"] < 0 < chapter["wt_mixed"]
    net = chapter["wt_rest_percent"] - 3 * chapter["wt_hand_percent"]
    assert chapter["wt_switch"] == pytest.approx(net / 100)
