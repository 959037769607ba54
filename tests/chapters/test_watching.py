"""What the chapter on cards and monitoring claims."""

import pytest

import tutorial_pkg as tp


def test_the_best_card_promises_too_much_and_less_so_with_either_remedy(chapter):
    assert chapter["wa_curse"] > 4 * chapter["wa_curse_mc"]
    assert abs(chapter["wa_all"]) < 0.4
    assert chapter["wa_all"] > 2 * chapter["wa_all_mc"]
    assert chapter["wa_known"] < chapter["wa_cured"]
    assert chapter["wa_se_corr"] > 0.1
    assert 0 < chapter["wa_pick"] < chapter["wa_cured"]
    assert chapter["wa_wins_gap"] > 0 < chapter["wa_other_gap"]
    assert chapter["wa_pick_rmse"] < chapter["wa_fresh_rmse"]
    assert 0 < chapter["wa_cured"] < chapter["wa_curse"]  # too little, and by less
    assert abs(chapter["wa_fresh"]) < 3 * chapter["wa_fresh_mc"]
    assert chapter["wa_rmse_calm"] < chapter["wa_rmse"]


def test_intervals_cover_as_they_say(chapter):
    assert chapter["wa_plain"] == pytest.approx(95, abs=2)
    assert chapter["wa_cover"] == pytest.approx(95, abs=3.5)


def test_cards_shown_keep_their_promise(chapter):
    assert chapter["wa_kept"] == pytest.approx(97.5, abs=2.5)
    assert chapter["wa_positive"] > 98
    assert 0.3 < chapter["wa_gap"] < 0.9  # rounding down alone makes half a unit
    assert chapter["wa_held"] >= chapter["wa_cards"] - 2
    assert chapter["wa_kept_n"] > 1_000
    assert chapter["wa_both"] == pytest.approx(91, abs=3)
    assert chapter["wa_broken"] < 50
    assert chapter["wa_below"] > 50
    assert chapter["wa_both"] < chapter["wa_both_printed"]


def test_cards_of_the_less_engaged_promise_too_much_and_the_others_too_little(chapter):
    assert chapter["wa_high_gap"] > 0.5 < chapter["wa_low_gap"]
    assert chapter["wa_low_broken"] > 60
    assert chapter["wa_poor_low"] == 100
    assert chapter["wa_poor_promise"] > 2 > chapter["wa_poor_truth"]
    assert chapter["wa_low"] > 3 * chapter["wa_low_mc"]
    assert chapter["wa_top_cover"] < 85 < chapter["wa_top_plain"]
    assert chapter["wa_naive_group"] > 1.3 * chapter["wa_member_mean"]
    assert chapter["wa_curse_rest"] < chapter["wa_curse"]
    assert chapter["wa_inside"] <= chapter["wa_held"] <= chapter["wa_cards"]


def test_the_sequence_holds_at_all_looks_and_not_by_row(chapter):
    assert chapter["wa_weekly_new"] > 85
    assert chapter["wa_peek_new"] > 20
    assert chapter["wa_sequence_new"] <= 5
    assert chapter["wa_sequence_same"] <= 5
    assert chapter["wa_sequence_row"] > 25
    assert chapter["wa_ex_seller"] <= 8
    assert chapter["wa_ex_row"] > 15
    assert chapter["wa_price"] == pytest.approx(1.6, abs=0.1)
    assert chapter["wa_last_lower"] > 0


def test_the_cusum_rings_as_often_as_stated_and_finds_jumps(chapter):
    assert 2.5 <= chapter["wa_cusum_new"] <= 8.5  # 500 years: Monte Carlo error about 1
    assert 2.5 <= chapter["wa_cusum_same"] <= 8.5
    assert chapter["wa_weeks_three"] <= chapter["wa_weeks_two"] <= 6 < chapter["wa_weeks_one"]
    assert 60 < chapter["wa_found_one_new"] < chapter["wa_found_one"] < 97
    assert chapter["wa_weeks_two"] == chapter["wa_weeks_two_new"]
    assert chapter["wa_half_new"] > chapter["wa_weeks_one_new"]
    assert chapter["wa_half_same"] > chapter["wa_weeks_one"]
    assert chapter["wa_cusum_row"] < chapter["wa_cusum_same"]
    assert {chapter["wa_weeks_three"], chapter["wa_weeks_three_new"]} <= {2, 3}
    assert chapter["wa_limit"] == tp.monitoring.LIMIT


def test_each_instrument_sees_its_own_change(chapter):
    assert chapter["wa_drift_same"] > 0.05 > chapter["wa_drift_other"]
    assert chapter["wa_worth_less"] < 0.6 * chapter["wa_worth_same"]
    assert chapter["wa_z_audience"] > 2 > abs(chapter["wa_z_keen"])
    assert min(chapter["wa_z_effect"], chapter["wa_z_effect_keen"]) > 4


def test_the_average_so_far_stays_above_zero_after_the_effect_has_gone(chapter):
    assert chapter["wa_still_lower"] > 0
    assert chapter["wa_alarm"] == 1
    assert chapter["wa_carried"] > 0
    assert abs(chapter["wa_new_value"]) < 1.5


def test_exercises_say_what_they_find(chapter):
    assert chapter["wa_ex_calm"] > chapter["wa_ex_plain"]
    assert chapter["wa_ex_more_gap"] > 0 < chapter["wa_ex_both_gap"]
    assert chapter["wa_ex_best"] > 1 > chapter["wa_ex_all"] > 0.2
    assert chapter["wa_ex_same"] > chapter["wa_curse"]
    assert chapter["wa_ex_early"] > 3 > chapter["wa_ex_late"] > chapter["wa_ex_at4"]
    assert chapter["wa_ex_rings"] >= 95
    assert 1 < chapter["wa_ex_left"] < 3
