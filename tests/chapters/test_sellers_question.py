"""What the sellers' question claims about the naive number, the three averages and the data."""


def test_the_naive_difference_is_at_least_twice_the_truth_and_its_interval_misses_it(chapter):
    assert chapter["sq_naive"] > 2 * chapter["sq_truth"] > 0
    assert chapter["sq_naive_lower"] > chapter["sq_truth"]


def test_followers_were_ahead_before_the_recommendation_could_have_done_anything(chapter):
    assert chapter["sq_before_lower"] > 0


def test_followers_gain_most_and_the_others_least(chapter):
    margin = 0.1 * chapter["sq_truth"]
    assert chapter["sq_att"] > chapter["sq_truth"] + margin
    assert chapter["sq_atc"] < chapter["sq_truth"] - margin
    assert chapter["sq_att"] > 2 * chapter["sq_atc"]  # "off by a factor of two"


def test_some_but_few_are_better_off_without_the_deal(chapter):
    assert 2 < chapter["sq_negative"] < 25


def test_the_effect_grows_with_stock_and_differs_between_categories(chapter):
    assert chapter["sq_cover_high"] > 2 * chapter["sq_cover_low"] > 0
    assert chapter["sq_best_effect"] > 1.5 * chapter["sq_worst_effect"] > 0


def test_the_naive_answer_is_far_too_high_for_every_recommendation_and_outcome(chapter):
    assert chapter["sq_missed"] == 9
    assert chapter["sq_ratio_min"] > 2


def test_an_outlet_deal_earns_less_than_a_restock(chapter):
    assert 0 < chapter["sq_revenue_outlet"] < 0.9 * chapter["sq_revenue_restock"]


def test_counting_sellers_instead_of_rows_gives_a_larger_error_than_counting_rows_but_not_a_large_one(chapter):
    assert chapter["sq_se_rows"] < chapter["sq_se_sellers"] < 1.5 * chapter["sq_se_rows"]


def test_with_crowding_a_fair_coin_overstates_what_all_would_gain(chapter):
    assert chapter["sq_spilled_lower"] < chapter["sq_gain"] < chapter["sq_spilled_upper"]
    assert chapter["sq_spilled_lower"] > chapter["sq_net"] > 0


def test_the_ate_is_about_twice_what_switching_off_loses_or_a_default_adds(chapter):
    message, default = chapter["sq_decide_message"], chapter["sq_decide_default"]
    assert abs(message + default - chapter["sq_decide_all"]) < 1e-3  # rounded in the file
    assert 1.5 < chapter["sq_decide_all"] / message < 2.5
    assert 1.5 < chapter["sq_decide_all"] / default < 2.5
    assert chapter["sq_steps_gap"] < 1e-12


def test_difference_in_differences_is_near_the_att_and_far_from_the_ate(chapter):
    assert chapter["sq_change_lower"] < chapter["sq_att"] < chapter["sq_change_upper"]
    assert chapter["sq_change_lower"] > chapter["sq_truth"]


def test_a_trend_of_the_keen_is_credited_to_the_deal(chapter):
    assert chapter["sq_drifted"] > chapter["sq_change"] + 0.5


def test_groceries_with_little_excess_gain_little(chapter):
    assert chapter["sq_little_grocery"] < 0.5 * chapter["sq_ate_sample"]


def test_more_units_with_less_revenue_is_more_common_where_stock_is_low(chapter):
    assert chapter["sq_torn"] > 1
    assert chapter["sq_torn_low"] > 1.5 * chapter["sq_torn_rest"]
    assert chapter["sq_torn_others"] > 60


def test_single_effects_are_of_both_signs_and_mostly_luck(chapter):
    assert chapter["sq_single_negative"] > 10
    assert chapter["sq_single_luck"] > 50


def test_what_followers_have_more_of_goes_with_sales_before_anybody_followed(chapter):
    assert min(chapter[f"sq_with_{name}"] for name in ("engagement", "planning", "demand")) > 0.05


def test_the_slide_is_too_high_for_followers_too(chapter):
    assert 1.5 < chapter["sq_ratio_att"] < chapter["sq_ratio"]
