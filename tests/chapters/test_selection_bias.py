"""What the chapter claims about selection bias, its decomposition and its dials."""

import pytest


def test_keen_followers_inflate_the_naive_difference_at_least_twofold(chapter):
    assert chapter["sb_keen"] > 2 * chapter["sb_truth"]
    assert chapter["sb_keen_lower"] > chapter["sb_truth"]


def test_self_reliant_experts_turn_the_sign_of_a_helpful_recommendation(chapter):
    assert chapter["sb_expert_upper"] < 0 < chapter["sb_truth"]
    assert chapter["sb_expert_att"] > 0.5 * chapter["sb_truth"]


def test_a_coin_gets_it_right(chapter):
    assert chapter["sb_coin_lower"] < chapter["sb_truth"] < chapter["sb_coin_upper"]
    assert chapter["sb_coin_covers"] == "yes"


@pytest.mark.parametrize("market", ["keen", "expert", "sellers"])
def test_effect_selection_bias_and_gains_add_up_to_the_naive_difference(chapter, market):
    whole = chapter["sb_sellers_naive" if market == "sellers" else f"sb_{market}_sum"]
    parts = sum(chapter[f"sb_{market}_{part}"] for part in ("ate", "selection", "gains"))
    assert parts == pytest.approx(whole, abs=1e-12)


def test_the_printed_gap_of_the_identity_is_rounding_only(chapter):
    assert chapter["sb_gap"] < 1e-12


def test_the_two_stories_have_the_same_effect_and_opposite_selection_bias(chapter):
    assert chapter["sb_keen_ate"] == pytest.approx(chapter["sb_expert_ate"], abs=1e-12)
    assert chapter["sb_keen_selection"] > 1
    assert chapter["sb_expert_selection"] < -1


def test_keen_sellers_also_gain_more(chapter):
    assert chapter["sb_keen_gains"] > 0.1 * chapter["sb_keen_ate"]
    assert chapter["sb_expert_gains"] < 0


def test_more_than_half_of_the_first_chapters_number_is_error(chapter):
    assert chapter["sb_sellers_wrong"] > 50
    assert chapter["sb_sellers_naive_lower"] > chapter["sb_sellers_truth"]


def test_without_selection_both_markets_are_right(chapter):
    for key in ("sb_dial_none", "sb_dial_none_expert"):
        assert chapter[f"{key}_lower"] < chapter["sb_truth"] < chapter[f"{key}_upper"]


def test_the_bias_grows_with_selection_and_most_at_the_start(chapter):
    assert chapter["sb_dial_rises"] == chapter["sb_dial_falls"] == "yes"
    truth = chapter["sb_truth"]
    assert chapter["sb_dial_quarter"] - truth > 0.25 * (chapter["sb_dial_one"] - truth)
    assert chapter["sb_dial_quarter"] > 1.25 * truth
    assert chapter["sb_dial_strong_expert"] < 0


def test_the_dials_move_the_naive_difference_and_widen_the_interval_of_double_machine_learning(chapter):
    assert chapter["sb_turn_covers"] >= 43  # of 48, less three binomial standard errors, as if they were independent
    assert chapter["sb_turn_all"] == 48
    assert chapter["sb_turn_wider"] > 1.5
    assert chapter["sb_turn_misleads"] == "yes"


def test_a_recommendation_that_does_nothing_seems_to_help_in_one_market_and_to_hurt_in_the_other(chapter):
    assert chapter["sb_idle_keen_lower"] > 1
    assert chapter["sb_idle_expert_upper"] < -1
    assert chapter["sb_idle_coin_lower"] < 0 < chapter["sb_idle_coin_upper"]


def test_more_data_shrinks_the_interval_and_leaves_the_bias(chapter):
    widths = [chapter[f"sb_{size}_upper"] - chapter[f"sb_{size}_lower"] for size in ("small", "large")]
    assert widths[1] < 0.2 * widths[0]
    assert chapter["sb_large"] > 2 * chapter["sb_truth"]
    assert chapter["sb_large_distance"] > 30


def test_coverage_is_lost_with_more_rows_unless_a_coin_decides(chapter):
    assert chapter["sb_cover_keen_100"] > 20
    assert chapter["sb_cover_keen_2000"] <= 1
    assert chapter["sb_cover_coin_min"] >= 88  # 95 of 100, less three binomial standard errors


def test_rows_lost_after_a_fair_coin_bring_a_bias_back(chapter):
    assert chapter["sb_spoiled_upper"] < chapter["sb_truth"]
    assert chapter["sb_spoiled_lost"] < 15


def test_somewhere_on_the_dial_a_helpful_recommendation_looks_useless(chapter):
    assert 0 < chapter["sb_at"] < 2
    assert chapter["sb_at_naive_lower"] < 0 < chapter["sb_at_naive_upper"]
    assert chapter["sb_at_att"] > 0.7 * chapter["sb_truth"]


def test_pooling_both_stories_cancels_most_of_the_bias_by_accident(chapter):
    errors = {key: abs(chapter[f"sb_{key}"] - chapter["sb_truth"]) for key in ("pooled", "keen", "expert")}
    assert errors["pooled"] < 0.5 * min(errors["keen"], errors["expert"])


def test_the_naive_number_is_worst_for_revenue(chapter):
    assert chapter["sb_share_revenue"] < min(chapter["sb_share_units"], chapter["sb_share_clicks"])


def test_both_futures_give_the_same_sum(chapter):
    assert chapter["sb_algebra"] < 1e-9
