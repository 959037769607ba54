"""What the chapter on many recommendations says holds in its results and in the markets that it quotes."""

import pytest


def test_one_propensity_serves_all_outcomes_of_a_table(chapter):
    assert chapter["mr_shared"] == "yes"
    assert chapter["mr_covariates"] == 20


def test_the_raw_differences_are_far_too_high_and_the_nine_effects_near_their_truths(chapter):
    assert chapter["mr_raw_covering"] == 0
    assert chapter["mr_raw_ratio"] > 1.3
    assert chapter["mr_covered"] >= 6
    assert chapter["mr_covered_all"] >= 8
    assert chapter["mr_percent_worst"] < 3.5


def test_a_deal_brings_more_units_than_revenue_in_per_cent(chapter):
    assert chapter["mr_deal_percent"] < chapter["mr_deal_percent_units"]
    by_discount = 100 * (0.94 * (1 + chapter["mr_deal_units_true"] / 100) - 1)
    assert chapter["mr_deal_percent_true"] == pytest.approx(by_discount, abs=1)
    assert chapter["mr_by_units_true"] == pytest.approx(by_discount)
    assert abs(chapter["mr_percent_gap"]) < 4
    assert chapter["mr_deal_gap_lower"] < chapter["mr_deal_units_true"] - chapter["mr_deal_percent_true"]
    assert 2 < chapter["mr_deal_gap_se"] < 4


def test_the_ads_two_per_cents_differ_by_luck_as_much_as_those_of_the_deal(chapter):
    assert chapter["mr_other_gaps_true"] < 1
    assert chapter["mr_ads_gap_lower"] > 0
    assert chapter["mr_ads_gap"] > chapter["mr_deal_gap"] / 2


def test_errors_go_together_within_a_table_and_hardly_between_tables(chapter):
    assert 0.3 < chapter["mr_inside_low"] < chapter["mr_inside_high"] < 1
    assert chapter["mr_across"] < 0.15
    assert 1.96 < chapter["mr_critical"] < chapter["mr_bonferroni"] + 0.03
    assert chapter["mr_several"] > 90
    assert chapter["mr_products_fewest"] == chapter["mr_products_most"] == 4
    assert chapter["mr_luck"] > 2 * chapter["mr_across"]


def test_only_intervals_for_all_nine_keep_a_promise_about_all_nine(chapter):
    assert chapter["mr_markets"] == 60
    assert chapter["mr_kept_each"] < 80
    promised = 95 - 3 * chapter["mr_kept_error"]
    assert chapter["mr_kept_once"] > promised
    assert chapter["mr_kept_bonferroni"] >= chapter["mr_kept_once"]
    assert 92 < chapter["mr_kept_single"] < 97
    assert chapter["mr_kept_expected"] > 100 * 0.95**9  # errors that go together miss together
    assert chapter["mr_kept_expected"] - chapter["mr_kept_each"] < 2 * chapter["mr_each_error"]
    assert chapter["mr_raw_single"] < 10


def test_adjusting_for_clicks_takes_most_of_the_effect_on_revenue(chapter):
    for key in ("restock", "ads", "deal"):
        assert chapter[f"mr_{key}_with"] < chapter[f"mr_{key}_without"] / 2
    assert chapter["mr_taken"] < 0.5
    assert chapter["mr_deal_with_upper"] < chapter["mr_revenue_true"]
    assert chapter["mr_deal_without_lower"] < chapter["mr_revenue_true"] < chapter["mr_deal_without_upper"]
    assert 25 < chapter["mr_equal_clicks"] < 50
    assert chapter["mr_deal_with_lower"] < -chapter["mr_equal_clicks"] < 0 < chapter["mr_deal_with_upper"]
    assert chapter["mr_restock_with_lower"] > 0  # its target; those of the others hold theirs
    assert chapter["mr_ads_with_lower"] < 0 < chapter["mr_ads_with_upper"]


def test_no_two_effects_on_followers_are_told_apart(chapter):
    assert chapter["mr_pairs_none"] == 3
    assert chapter["mr_true_ads"] > chapter["mr_true_restock"] > chapter["mr_true_deal"]
    assert chapter["mr_way_att_lower"] < 0 < chapter["mr_way_att_upper"]
    assert chapter["mr_pairs_least"] < chapter["mr_pairs_half"] < 1.5 * chapter["mr_pairs_least"]
    assert chapter["mr_deal_behind"] > chapter["mr_deal_ahead"] > 0
    assert 3 < chapter["mr_ads_stock_low"] < 8 < 20 < chapter["mr_ads_stock_high"] < 40
    assert chapter["mr_gates_covered"] >= chapter["mr_gates"] - 3


def test_on_common_rows_ads_are_ahead_of_deals_and_the_mix_matters(chapter):
    assert chapter["mr_way_mix_lower"] > 0.5
    assert chapter["mr_way_excess_lower"] > 0.5
    assert max(chapter["mr_way_raw"], chapter["mr_way_att"]) < chapter["mr_same_rows"]
    assert chapter["mr_way_mix_lower"] < chapter["mr_same_rows"] < chapter["mr_way_mix_upper"]
    assert chapter["mr_own_excess"] < chapter["mr_own_mix"] - 0.3
    assert chapter["mr_own_mix"] == pytest.approx(chapter["mr_same_rows"], abs=0.15)
    assert chapter["mr_stock_ads_true"] > 1.5 * chapter["mr_stock_deal_true"]
    assert chapter["mr_apart_before"] > 0.4
    assert chapter["mr_apart_after"] < 0.1
    assert chapter["mr_apart_where"] == "list price"
    assert chapter["mr_apart_count"] == 19


def test_where_stock_is_low_restocking_is_ahead_and_further_up_it_is_open(chapter):
    assert chapter["mr_scarce_true"] > 2
    assert chapter["mr_scarce"] > 0.5
    assert chapter["mr_scarce_lower"] < chapter["mr_scarce_true"] < chapter["mr_scarce_upper"]
    assert chapter["mr_low_lower"] < 0 < chapter["mr_low_upper"]
    assert chapter["mr_low_lower"] < chapter["mr_low_true"] < chapter["mr_low_upper"]
    assert chapter["mr_scarce_none"] < 50 < chapter["mr_scarce_rows"]


def test_the_rows_alone_show_only_that_ads_lead_deals_on_excess(chapter):
    assert chapter["mr_three_clear"] == "ads - deal, 12 weeks +"


def test_in_many_markets_the_mix_is_nearest_to_the_truth_on_the_same_rows(chapter):
    assert abs(chapter["mr_many_mix"]) < 3 * chapter["mr_many_mix_error"]
    assert chapter["mr_many_mix_held"] > 80
    assert chapter["mr_many_mix_own_held"] < 95 - 2 * chapter["mr_kept_error"]
    assert chapter["mr_many_mix_varies"] > 1.05 * chapter["mr_many_mix_says"]
    assert chapter["mr_many_excess"] < -3 * chapter["mr_many_excess_error"]
    assert abs(chapter["mr_many_mix"]) < abs(chapter["mr_many_excess"]) / 2
    assert chapter["mr_many_excess_aim"] < -0.5 < -0.1 < chapter["mr_many_mix_aim"] < 0.1
    for key in ("excess", "mix"):  # the rest is within chance
        rest = chapter[f"mr_many_{key}"] - chapter[f"mr_many_{key}_aim"]
        assert abs(rest) < 2 * chapter[f"mr_many_{key}_error"]
    assert chapter["mr_many_mix_rmse"] == pytest.approx(chapter["mr_many_excess_rmse"], rel=0.1)
    assert chapter["mr_many_att"] < -1.5
    assert abs(chapter["mr_many_att_own"]) < 3 * chapter["mr_many_att_own_error"]
    assert chapter["mr_many_att_held"] < 70


def test_a_list_that_nobody_recorded_spoils_the_comparison_alone(chapter):
    for key in ("own_chance", "over_chance", "own_list"):
        assert abs(chapter[f"mr_{key}"]) < 4 * chapter[f"mr_{key}_error"], key
    assert chapter["mr_factor_chance"] == pytest.approx(1, abs=0.01)
    assert chapter["mr_factor"] == pytest.approx(1 + 1 / 9, abs=0.01)
    assert chapter["mr_over_list"] > 1
    assert chapter["mr_over_list"] > 5 * chapter["mr_over_list_error"]


def test_the_exercises_say_what_happens(chapter):
    assert chapter["mr_full"] > chapter["mr_ads_today"] > chapter["mr_deals_today"]
    assert chapter["mr_full_true"] > chapter["mr_ads_today_true"]
    assert chapter["mr_same_known"] < 0.7 * chapter["mr_same_apart"]
    assert chapter["mr_same_decisions"] > 95
    assert chapter["mr_dice_shared"] < 0.6 * chapter["mr_dice_apart"]
    assert 0.85 * chapter["mr_dice_apart"] < chapter["mr_dice_known"] < chapter["mr_dice_apart"]
    assert chapter["mr_ours_known"] == pytest.approx(chapter["mr_ours_apart"], rel=0.1)
    odds, bands = (abs(chapter[f"mr_keen_{how}_aim"] - chapter["mr_keen_true"]) for how in ("odds", "bands"))
    assert odds < bands / 2
    assert chapter["mr_engaged_bands"] > 5 > 2 * max(chapter["mr_engaged_odds"], chapter["mr_engaged_log"])
    assert max(chapter["mr_cover_bands"], chapter["mr_cover_odds"]) < 1 < 5 < chapter["mr_cover_log"]
