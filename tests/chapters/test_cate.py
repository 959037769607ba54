"""What chapter 7 claims about effects of groups and rows, their intervals, their checks and their use."""

import pandas as pd
import pytest

from tutorial_pkg.datasets import data_folder
from tutorial_pkg.storage import read_provenance

STORED = data_folder() / "cate_markets.parquet"


@pytest.fixture(scope="module")
def stored():
    return pd.read_parquet(STORED)


def covers(chapter, key, truth):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_slicing_by_category_does_not_adjust(chapter):
    assert chapter["cate_naive_covering"] == 0
    assert chapter["cate_naive_ratio"] > 2


def test_full_shelves_gain_more_and_all_bands_of_cover_are_covered(chapter):
    assert chapter["cate_cover_gap_lower"] > 0
    assert chapter["cate_cover_covering"] == 4
    assert chapter["cate_p_cover"] < 1e-6


def test_the_letter_is_answered_and_no_short_lived_stock_was_recommended_a_deal(chapter):
    assert covers(chapter, "cate_letter", "cate_letter_true")
    assert chapter["cate_letter_gap_lower"] > 0
    assert chapter["cate_letter_rows"] > 300
    assert chapter["cate_cover_least"] > 12


def test_one_of_eight_pointwise_intervals_misses_and_no_simultaneous_one(chapter):
    assert chapter["cate_missed"] == 1
    assert not covers(chapter, "cate_miss", "cate_miss_true")
    assert chapter["cate_inside"] == 8
    assert 2.6 < chapter["cate_critical"] < 2.8  # Bonferroni: 2.73; the draws add a little noise


def test_pairs_of_categories_differ_although_their_simultaneous_intervals_overlap(chapter):
    assert 0.00005 < chapter["cate_p_category"] < 0.01  # the page shows four decimals
    assert chapter["cate_pairs"] == 28
    assert chapter["cate_apart"] == chapter["cate_apart_right"] == chapter["cate_apart_overlap"] == 3
    assert chapter["cate_apart_toys"] == "yes"


def test_the_winner_on_the_slide_is_quoted_too_high_though_it_is_the_best(chapter):
    assert chapter["cate_win"] > chapter["cate_win_true"] + 1
    assert chapter["cate_winner"] == chapter["cate_truly_best"]


def test_the_rows_that_chose_flatter_the_winner_and_fresh_rows_do_not(chapter):
    assert chapter["cate_curse_chose"] > 5 * chapter["cate_curse_chose_se"]
    assert chapter["cate_curse_chose_high"] > 85
    assert abs(chapter["cate_curse_fresh"]) < 3 * chapter["cate_curse_fresh_se"]
    assert 35 < chapter["cate_curse_fresh_high"] < 65
    assert covers(chapter, "cate_split_second", "cate_split_true")
    assert chapter["cate_split_same"] == "yes"


def test_a_week_of_cover_goes_with_a_larger_effect_and_engagement_matters_most(chapter):
    assert chapter["cate_slope_lower"] > 0
    assert chapter["cate_per_sd_engagement"] > chapter["cate_per_sd_cover"] > chapter["cate_per_sd_demand"]


def test_every_model_is_judged_in_the_same_stored_markets(stored, chapter):
    seeds = stored.groupby(["about", "name"])["seed"].unique().map(sorted).map(tuple)
    assert seeds.nunique() == 1
    assert len(seeds.iloc[0]) == chapter["cate_markets"] == chapter["cate_choice_markets"] == 30
    assert {"date", "python", "econml", "n_rows", "n_covariates", "credit"} <= set(read_provenance(STORED))


def test_over_the_markets_the_two_outcome_models_lead_the_line_and_the_line_the_forest(chapter):
    for better in ("arms", "ceiling"):
        assert chapter[f"cate_above_{better}"] < -5 * chapter[f"cate_above_{better}_se"]
    for worse in ("forest", "constant"):
        assert chapter[f"cate_above_{worse}"] > 3 * chapter[f"cate_above_{worse}_se"]
    assert chapter["cate_above_ceiling"] < chapter["cate_above_arms"] == -chapter["cate_arms_less"]


def test_cells_are_no_better_for_a_single_row_than_the_average(chapter):
    assert chapter["cate_pehe_cells"] > chapter["cate_pehe_constant"]


def test_the_forest_shrinks_and_ranks_less_well_than_the_line(chapter):
    assert chapter["cate_calibration_forest"] - 1 > 3 * chapter["cate_calibration_forest_se"]
    assert chapter["cate_forest_less"] > 0 > chapter["cate_forest_most"]
    assert chapter["cate_rank_gap"] > 5 * chapter["cate_rank_gap_se"]


def test_forest_intervals_undercover_for_the_keen_and_those_of_the_line_everywhere(chapter):
    assert max(chapter[f"cate_coverage_{m}_{who}_se"] for m in ("line", "forest") for who in ("keen", "others")) < 2
    assert 92 < chapter["cate_coverage_forest_others"] < 97
    assert chapter["cate_coverage_forest_keen"] < 88
    assert max(chapter["cate_coverage_line_keen"], chapter["cate_coverage_line_others"]) < 85
    assert chapter["cate_width"] > chapter["cate_spread"]


def test_held_out_rows_confirm_both_models_and_do_not_separate_them(chapter):
    assert chapter["cate_fifth_covering"] == 5
    assert chapter["cate_fifth_gap_lower"] > 0
    for name in ("line", "forest"):
        assert chapter[f"cate_blp_{name}_p"] < 0.001
        assert abs(chapter[f"cate_blp_{name}"] - 1) < 1.96 * chapter[f"cate_blp_{name}_se"]
    for name in ("forest", "arms"):
        assert chapter[f"cate_lead_{name}_lower"] < 0 < chapter[f"cate_lead_{name}_upper"]
        assert covers(chapter, f"cate_lead_{name}", f"cate_lead_{name}_true")
    assert chapter["cate_lead_arms_true"] < -2


def test_the_choice_throws_out_the_constant_and_gains_on_the_line_but_not_all_there_is(chapter):
    assert chapter["cate_choice_constant"] == 0
    assert chapter["cate_choice_arms"] > chapter["cate_choice_line"] > 0
    assert chapter["cate_taken_line"] < -5 * chapter["cate_taken_line_se"]
    assert chapter["cate_taken_arms"] > 3 * chapter["cate_taken_arms_se"]
    assert chapter["cate_taken"] > chapter["cate_taken_best"] + 0.05


def test_policies_are_valued_honestly_on_rows_that_did_not_choose_them(chapter):
    assert chapter["cate_value_covering"] == 4


def test_against_nobody_targeting_pays_and_the_keenest_half_comes_near_it(chapter):
    assert chapter["cate_gain_large_lower"] > 0
    assert chapter["cate_stored_all"] < chapter["cate_stored_large"] - 2
    assert chapter["cate_stored_large"] < chapter["cate_stored_best"]
    assert 3 * chapter["cate_stored_keen_gap_se"] < chapter["cate_stored_keen_gap"] < 0.6
    assert chapter["cate_marked_large"] < 60


def test_against_today_the_keenest_half_turns_from_profit_to_loss(chapter):
    assert chapter["cate_nobody_keen_lower"] > 0 > chapter["cate_today_keen_upper"]
    assert chapter["cate_nobody_keen_true"] > 5
    assert chapter["cate_today_keen_true_loss"] > 1
    assert chapter["cate_stored_keen_positive"] == chapter["cate_markets"]
    assert chapter["cate_stored_today_keen_positive"] == 0
    assert chapter["cate_propensity_gap"] > 40


def test_against_today_only_large_added_effects_do_not_lose(chapter):
    for rule in ("all", "keen", "large"):
        assert chapter[f"cate_today_{rule}_upper"] < 0
        assert chapter[f"cate_stored_today_{rule}_positive"] == 0
    assert chapter["cate_today_added_lower"] < 0 < chapter["cate_today_added_upper"]
    assert chapter["cate_stored_today_added"] > 5 * chapter["cate_stored_today_added_se"]
    assert chapter["cate_stored_today_added"] < chapter["cate_stored_today_best_added"]
    assert chapter["cate_today_gain_lower"] > 0


def test_a_closed_programme_earns_less_than_todays_free_deals(chapter):
    assert covers(chapter, "cate_free_deals", "cate_free_deals_true")
    for rule in ("keen", "best"):
        assert covers(chapter, f"cate_closed_{rule}", f"cate_closed_{rule}_true")
        assert chapter[f"cate_closed_{rule}_true"] < 0
        assert chapter[f"cate_closed_{rule}_negative"] == chapter["cate_markets"]
    assert chapter["cate_closed_best_loss"] == -chapter["cate_closed_best_true"]


def test_the_tree_read_as_an_offer_on_top_of_today_loses(chapter):
    assert chapter["cate_tree_today_upper"] < 0
    assert covers(chapter, "cate_tree_today", "cate_tree_today_true")
    assert chapter["cate_stored_today_tree_positive"] == 0


def test_the_tree_grown_for_offers_found_luck_on_the_rows_that_grew_it(chapter):
    assert chapter["cate_offers_grown_lower"] > 0 > chapter["cate_offers_grown_true"]
    assert chapter["cate_offers_lower"] < 0 < chapter["cate_offers_upper"]
    assert covers(chapter, "cate_offers", "cate_offers_true")
    assert chapter["cate_offers_true"] < 0
    assert 1.2 < chapter["cate_offers_band"] < 1.8


def test_the_highest_credit_for_the_keenest_half_is_below_fifteen_dollars(chapter):
    assert chapter["cate_highest_high"] < 15
    assert chapter["cate_highest_low"] < chapter["cate_pays_keen"] < chapter["cate_highest_high"]


def test_the_tree_is_flattered_by_its_own_rows_only_and_gives_some_of_the_value_away(chapter):
    assert chapter["cate_tree_grown"] > 5 * chapter["cate_tree_grown_se"]
    assert abs(chapter["cate_tree_fresh"]) < 3 * chapter["cate_tree_fresh_se"]
    assert chapter["cate_tree_gap"] > 5 * chapter["cate_tree_gap_se"]


def test_checks_reject_noise_and_certify_hidden_bias(chapter):
    assert abs(chapter["cate_null_clean_slope"]) < 3 * chapter["cate_null_clean_slope_se"]
    assert chapter["cate_null_clean_found"] <= 4
    assert chapter["cate_null_hidden_found"] == chapter["cate_null_markets"] == 30
    assert chapter["cate_null_hidden_ate"] > 10 * chapter["cate_null_hidden_ate_se"]
    assert chapter["cate_null_hidden_spread"] > 2 * chapter["cate_null_clean_spread"]


def test_where_much_is_expected_more_follow_unpaid(chapter):
    assert chapter["cate_large_followers"] > 2 * chapter["cate_small_followers"]


def test_a_pair_named_in_advance_needs_no_band(chapter):
    assert chapter["cate_asked_lower"] > 0 > chapter["cate_asked_band_lower"]
    assert covers(chapter, "cate_asked", "cate_asked_true")


def test_groups_by_what_came_after_miss_and_groups_by_what_came_before_cover(chapter):
    assert chapter["cate_after_top"] > chapter["cate_after_top_true"] + 1.5
    assert chapter["cate_after_covering"] <= 2
    assert chapter["cate_before_covering"] == 4


def test_the_rule_of_added_effects_leads_at_every_credit(chapter):
    assert chapter["cate_curve_lead"] > 0
    assert chapter["cate_free"] > 0
    assert chapter["cate_pays_all"] < chapter["cate_pays_keen"] < 15


def test_when_few_respond_the_offer_loses(chapter):
    assert chapter["cate_response_quarter"] < 0 < chapter["cate_response_all"]
