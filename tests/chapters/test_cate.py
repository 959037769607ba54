"""What chapter 7 claims about effects of groups and rows, their intervals, their checks and their use."""

import pytest


def covers(chapter, key, truth):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_slicing_by_category_does_not_adjust(chapter):
    assert chapter["cate_naive_covering"] == 0
    assert chapter["cate_naive_ratio"] > 2


def test_full_shelves_gain_more_and_all_bands_of_cover_are_covered(chapter):
    assert chapter["cate_cover_high_lower"] > chapter["cate_cover_low_upper"]
    assert chapter["cate_cover_covering"] == 4
    assert chapter["cate_true_cover_high"] > chapter["cate_true_cover_low"]
    assert chapter["cate_toys"] > chapter["cate_grocery"]


def test_one_of_eight_pointwise_intervals_misses_and_no_simultaneous_one(chapter):
    assert (chapter["cate_missed"], chapter["cate_missed_name"]) == (1, "apparel")
    assert not covers(chapter, "cate_apparel", "cate_true_apparel")
    assert chapter["cate_inside"] == 8
    assert 2.6 < chapter["cate_critical"] < 2.8  # Bonferroni: 2.73; the draws add a little noise


def test_categories_differ_although_any_two_simultaneous_intervals_overlap(chapter):
    assert 0.00005 < chapter["cate_p_category"] < 0.01  # the page shows four decimals
    assert chapter["cate_p_cover"] < 1e-6
    assert chapter["cate_band_overlap"] == "yes"
    assert chapter["cate_pairs"] == 28
    assert chapter["cate_apart"] == chapter["cate_apart_right"] >= 2


def test_the_winners_on_the_slides_are_not_the_best_and_are_quoted_too_high(chapter):
    assert chapter["cate_win"] > chapter["cate_win_true"] + 1
    assert chapter["cate_winner"] != chapter["cate_truly_best"]
    assert (chapter["cate_category_winner"], chapter["cate_category_best"]) == ("apparel", "toys")


def test_the_rows_that_chose_flatter_the_winner_and_fresh_rows_do_not(chapter):
    assert chapter["cate_curse_chose"] > 5 * chapter["cate_curse_chose_se"]
    assert chapter["cate_curse_chose_high"] > 85
    assert abs(chapter["cate_curse_fresh"]) < 3 * chapter["cate_curse_fresh_se"]
    assert 35 < chapter["cate_curse_fresh_high"] < 65


def test_in_the_sellers_data_the_fresh_number_is_lucky_too_and_its_interval_covers(chapter):
    assert chapter["cate_split_second"] >= chapter["cate_split_first"]
    assert chapter["cate_split_second"] > chapter["cate_split_true"]
    assert covers(chapter, "cate_split_second", "cate_split_true")


def test_a_week_of_cover_goes_with_a_larger_effect(chapter):
    assert chapter["cate_slope_lower"] > 0
    assert chapter["cate_strongest"] == "engagement_score"


def test_the_line_of_the_signal_averages_to_the_ate_and_both_averages_cover(chapter):
    assert chapter["cate_board_gap"] < 1e-10
    assert covers(chapter, "cate_board_line", "cate_board_truth")
    assert covers(chapter, "cate_board_forest", "cate_board_truth")


def test_line_and_forest_beat_the_constant_and_cells_hardly_do(chapter):
    constant = chapter["cate_pehe_constant"]
    assert chapter["cate_pehe_line"] < 0.65 * constant
    assert chapter["cate_pehe_forest"] < 0.65 * constant
    assert 0.9 * constant < chapter["cate_pehe_cells"] < constant
    assert chapter["cate_pehe_ceiling"] < 0.8 * min(chapter["cate_pehe_line"], chapter["cate_pehe_forest"])


def test_the_line_ranks_better_than_the_forest_and_the_forest_shrinks(chapter):
    assert chapter["cate_rank_line"] > chapter["cate_rank_forest"] + 0.05
    assert chapter["cate_calibration_forest"] > 1.05
    assert chapter["cate_calibration_line"] == pytest.approx(1, abs=0.05)


def test_forest_intervals_undercover_for_the_keen_and_those_of_the_line_everywhere(chapter):
    assert 90 < chapter["cate_coverage_low"] < 98
    assert chapter["cate_coverage_keen"] < 90
    assert chapter["cate_coverage_all_keen"] < 80 < chapter["cate_coverage_all_low"]
    assert chapter["cate_coverage_line"] < 70
    assert chapter["cate_width"] > chapter["cate_spread"]


def test_held_out_rows_confirm_both_models_and_do_not_separate_them(chapter):
    assert chapter["cate_fifth_covering"] == 5
    assert chapter["cate_fifth_high_lower"] > chapter["cate_fifth_low_upper"]
    for name in ("line", "forest"):
        assert chapter[f"cate_blp_{name}_p"] < 0.001
        assert abs(chapter[f"cate_blp_{name}"] - 1) < 2 * chapter[f"cate_blp_{name}_se"]
    gap = abs(chapter["cate_qini_line"] - chapter["cate_qini_forest"])
    assert gap < 2 * max(chapter["cate_qini_line_se"], chapter["cate_qini_forest_se"])


def test_policies_are_valued_honestly_on_rows_that_did_not_choose_them(chapter):
    assert chapter["cate_value_covering"] == 6


def test_targeting_by_the_line_more_than_doubles_the_value_with_fewer_credits(chapter):
    assert chapter["cate_value_line_true"] > 2 * chapter["cate_value_all_true"]
    assert chapter["cate_value_line"] > 2 * chapter["cate_value_all"]
    assert chapter["cate_nudged_line"] < 70


def test_cells_are_nearer_to_everybody_than_to_the_line_and_the_keenest_half_does_as_well_as_the_line(chapter):
    everybody, line = chapter["cate_value_all_true"], chapter["cate_value_line_true"]
    assert everybody < chapter["cate_value_cells_true"] < everybody + 0.3 * (line - everybody)
    assert chapter["cate_value_keen_true"] == pytest.approx(chapter["cate_value_line_true"], rel=0.05)


def test_regret_orders_the_rules(chapter):
    order = [chapter[f"cate_regret_{key}"] for key in ("ceiling", "line", "forest", "tree", "all")]
    assert order == sorted(order)
    assert order[0] > 0
    assert chapter["cate_new_share_line"] > 85


def test_the_tree_is_flattered_by_its_own_rows_and_cannot_be_told_from_the_line(chapter):
    assert chapter["cate_tree_same"] > chapter["cate_value_tree"]
    assert chapter["cate_line_over_tree_lower"] < 0 < chapter["cate_line_over_tree_upper"]
    assert chapter["cate_tree_true_gap"] > 0


def test_checks_reject_noise_and_certify_hidden_bias(chapter):
    assert chapter["cate_null_clean_p"] > 0.05
    assert chapter["cate_null_clean_ate_lower"] < 0 < chapter["cate_null_clean_ate_upper"]
    assert chapter["cate_null_hidden_p"] < 1e-6
    assert chapter["cate_null_hidden_slope"] > 0.5
    assert chapter["cate_null_hidden_qini_p"] < 1e-6
    assert chapter["cate_null_hidden_spread"] > 2 * chapter["cate_null_clean_spread"]


def test_groups_by_what_came_after_miss_and_groups_by_what_came_before_cover(chapter):
    assert chapter["cate_after_top"] > chapter["cate_after_top_true"] + 1.5
    assert chapter["cate_after_covering"] <= 2
    assert chapter["cate_before_covering"] == 4


def test_targeting_earns_most_where_the_average_cannot_decide(chapter):
    assert abs(chapter["cate_credit_peak"] - chapter["cate_credit_ate"]) <= 4
    assert chapter["cate_credit_peak_gain"] > 10 * chapter["cate_credit_free"] > 0


def test_three_lists_of_the_top_fifth_cannot_be_told_apart(chapter):
    assert chapter["cate_over_keen_lower"] < 0 < chapter["cate_over_keen_upper"]
    assert chapter["cate_over_sales_lower"] < 0 < chapter["cate_over_sales_upper"]
    assert chapter["cate_over_keen"] < 0 < chapter["cate_over_sales"]  # propensity, line, sales
    assert covers(chapter, "cate_over_keen", "cate_gap_keen")
    assert covers(chapter, "cate_over_sales", "cate_gap_sales")
    truths = [chapter[f"cate_fifth_{name}_true"] for name in ("line", "keen", "sales")]
    assert truths == sorted(truths, reverse=True)


def test_the_choice_throws_out_the_constant_and_takes_the_simplest_of_those_that_cannot_be_told_apart(chapter):
    assert chapter["cate_choice_constant"] > 3 * chapter["cate_choice_constant_se"]
    assert chapter["cate_choice"] == "linear_dr"
    assert (
        chapter["cate_off_arms"] < chapter["cate_off_boosted"] < chapter["cate_off_line"] < chapter["cate_off_constant"]
    )
