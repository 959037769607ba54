"""What the chapter on assumptions claims: columns that help and harm, formulas that hold, what a coin buys."""

import pytest


def within_chance(value, monte_carlo_error):
    return abs(value) < 4 * monte_carlo_error


def test_one_more_column_spoils_a_good_adjustment_of_revenue(chapter):
    assert chapter["wt_raw"] > 5 * chapter["wt_raw_mc"]
    assert abs(chapter["wt_before"]) < chapter["wt_raw"] / 3
    assert chapter["wt_contrast"] < -5 * chapter["wt_contrast_mc"]
    assert chapter["wt_clicks"] < -3 * abs(chapter["wt_before"])
    assert chapter["wt_revenue_truth"] > 0


@pytest.mark.parametrize("name", ["ate_g", "ate_m", "att_g", "att_m", "ate_m_apart", "att_m_apart"])
def test_outcome_and_propensity_identify_the_same_effect_which_is_the_truth(chapter, name):
    assert within_chance(chapter[f"wt_{name}"], chapter[f"wt_{name}_mc"])


def test_weighting_spreads_much_more_than_the_true_outcome_model(chapter):
    assert chapter["wt_wider"] > 2


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


def test_showing_and_winning_over_the_rest_add_up_to_the_ate(chapter):
    assert chapter["wt_worth_show"] + chapter["wt_worth_rest"] == pytest.approx(chapter["wt_worth_all"])
    assert min(chapter["wt_worth_show"], chapter["wt_worth_rest"]) > 0


def test_a_column_that_only_sells_adds_precision_and_no_bias(chapter):
    assert within_chance(chapter["wt_season_contrast"], chapter["wt_season_contrast_mc"])
    assert chapter["wt_season_ratio"] < 0.7


def test_the_derived_formulas_hold_in_the_drawn_worlds(chapter):
    assert chapter["wt_left_gap"] < 4  # Monte Carlo errors
    assert chapter["wt_left_half"] == pytest.approx(0.8, abs=0.1)
    assert chapter["wt_amplified"] == pytest.approx(chapter["wt_amplify_formula"], rel=0.05)
    assert within_chance(chapter["wt_atc_mean"] - chapter["wt_atc"], chapter["wt_atc_mc"])


def test_a_collider_that_also_confounds_is_better_adjusted_for(chapter):
    assert chapter["wt_fly_better"] == "yes"
    assert within_chance(chapter["wt_fly_mild"], 3 * chapter["wt_fly_mild_mc"])
    assert chapter["wt_fly_strong"] < -10 * chapter["wt_fly_strong_mc"]


def test_a_message_that_sells_by_itself_spoils_the_att_and_not_the_effect_of_showing(chapter):
    assert within_chance(chapter["wt_remind"] - chapter["wt_remind_true"], chapter["wt_remind_mc"])
    assert within_chance(chapter["wt_off"] - chapter["wt_off_formula"], chapter["wt_off_mc"])
    assert chapter["wt_off"] > 10 * chapter["wt_off_mc"]


def test_two_versions_in_one_column_give_nobodys_effect(chapter):
    assert 2 < chapter["wt_mixed"] < 3.7
    assert within_chance(chapter["wt_by_hand"] - 4, chapter["wt_by_hand_mc"])
    assert 0.28 < chapter["wt_default_share"] < 0.36  # "about a third"
