"""What chapter 6 claims about the effect on those who followed, its look-alikes, and the two libraries."""

import pytest


def covers(chapter, key, truth="att_truth"):
    return chapter[f"{key}_lower"] < chapter[truth] < chapter[f"{key}_upper"]


def test_the_report_would_claim_too_little_with_the_ate_and_too_much_with_the_naive_difference(chapter):
    assert chapter["att_total_ate"] < 0.75 * chapter["att_total_true"]
    assert chapter["att_total_naive"] > 1.3 * chapter["att_total_true"]


def test_followers_sell_more_anyway_and_gain_a_larger_share(chapter):
    assert chapter["att_base_f"] > 1.15 * chapter["att_base_o"]
    assert chapter["att_pct_f"] > 1.3 * chapter["att_pct_o"]
    assert chapter["att_gain_o"] < chapter["att_same_pct"] < chapter["att_gain_f"]


def test_weighting_by_the_odds_makes_the_others_resemble_followers(chapter):
    assert chapter["att_weighted"] == pytest.approx(chapter["att_truth"], rel=0.15)
    assert chapter["att_forecast"] == pytest.approx(chapter["att_truth"], rel=0.15)
    assert abs(chapter["att_engagement_left"]) < 0.1 * chapter["att_engagement_gap"]


def test_the_score_by_hand_is_the_package_to_the_last_digit(chapter):
    assert chapter["att_hand_gap"] < 1e-10
    assert chapter["att_hand_se_gap"] < 1e-10


def test_the_interval_covers_the_att_and_neither_the_ate_nor_the_naive_difference(chapter):
    assert chapter["att_covers"] == "yes"
    assert covers(chapter, "att_dml")
    assert chapter["att_dml_lower"] > chapter["att_truth_ate"]
    assert chapter["att_dml_upper"] < chapter["att_naive_lower"]


def test_the_forecast_left_little_to_correct(chapter):
    assert abs(chapter["att_correction"]) < 0.5 * chapter["att_dml_se"]
    assert chapter["att_forecast"] - chapter["att_correction"] == pytest.approx(chapter["att_dml"])


def test_the_att_does_not_use_the_outcome_model_of_followers_and_the_ate_does(chapter):
    assert chapter["att_nonsense"] < 1e-10
    assert chapter["att_nonsense_se"] < 1e-10
    assert chapter["att_nonsense_wider"] > 10


def test_each_average_covers_its_own_truth_and_they_add_up(chapter):
    assert covers(chapter, "att_ate", "att_truth_ate")
    assert covers(chapter, "att_atc", "att_truth_atc")
    assert chapter["att_identity"] < 1e-10


def test_att_and_ate_differ_beyond_noise_and_the_contrast_knows_it_best(chapter):
    assert chapter["att_gains_lower"] > 0
    assert covers(chapter, "att_gains", "att_gains_truth")
    assert chapter["att_gains_se"] < 0.7 * chapter["att_se_independent"]
    assert chapter["att_z"] > 5


def test_the_waterfall_of_estimates_adds_up_and_each_part_covers_its_truth(chapter):
    assert chapter["att_parts_sum"] < 1e-10
    assert chapter["att_parts_covered"] == 4
    assert covers(chapter, "att_bias", "att_bias_truth")
    assert chapter["att_bias_lower"] > 0


@pytest.mark.parametrize(
    ("market", "right", "wrong"),
    [("both", ("ate", "att", "atc"), ()), ("never", ("att",), ("ate", "atc")), ("always", ("atc",), ("ate", "att"))],
)
def test_each_wall_spoils_the_averages_that_need_what_is_behind_it(chapter, market, right, wrong):
    for name in right:
        assert chapter[f"att_{market}_{name}_covers"] == "yes", name
    for name in wrong:
        assert chapter[f"att_{market}_{name}_covers"] == "no", name
        assert chapter[f"att_{market}_{name}"] > 1.15 * chapter[f"att_{market}_{name}_truth"], name


def test_the_wall_gives_no_warning_in_the_standard_error_but_in_the_propensities(chapter):
    assert chapter["att_never_ate_se"] < chapter["att_both_ate_se"]
    assert chapter["att_always_att_se"] < chapter["att_both_att_se"]
    assert chapter["att_never_off"] > 25
    assert chapter["att_never_absent"] > 20 > chapter["att_never_alone"]
    assert chapter["att_always_alone"] > 20 > chapter["att_always_absent"]
    assert chapter["att_both_alone"] < 1
    assert chapter["att_both_absent"] < 1
    assert chapter["att_sellers_highest"] < 0.99
    assert chapter["att_sellers_absent"] == 0


def test_econmls_att_misses_where_the_att_score_does_not(chapter):
    assert chapter["att_forest"] < chapter["att_dml"] - 0.5
    assert chapter["att_mc_highest"] < chapter["att_truth"]
    assert chapter["att_mc_econml_bias"] > 1.5
    assert chapter["att_mc_econml_bias"] > 3 * chapter["att_mc_mean_bias"]
    assert chapter["att_mc_econml"] - chapter["att_truth_ate"] < chapter["att_truth"] - chapter["att_mc_econml"]
    assert chapter["att_mc_econml_covers"] <= 6
    for key in ("same", "right"):
        assert chapter[f"att_mc_{key}_bias"] < 2.5 * chapter[f"att_mc_{key}_spread"] / 10**0.5
        assert chapter[f"att_mc_{key}_covers"] >= 8
    assert chapter["att_forest_off"] < chapter["att_mc_econml_bias"]


def test_econmls_error_is_wider_than_its_estimates_spread_and_ours_is_not(chapter):
    assert chapter["att_mc_econml_se"] > 1.5 * chapter["att_mc_econml_spread"]
    assert chapter["att_mc_right_se"] == pytest.approx(chapter["att_mc_right_spread"], rel=0.5)


def test_a_shrunken_model_of_the_effect_moves_only_the_scores_that_are_not_orthogonal(chapter):
    assert chapter["att_shrunk_right"] < 0.1
    assert chapter["att_shrunk_plug"] > 2
    assert chapter["att_shrunk_wrong"] > 1.5 * chapter["att_shrunk_plug"]
    assert chapter["att_shrunk_start"] == pytest.approx(chapter["att_truth"], rel=0.05)
    assert chapter["att_shrunk_start_right"] == pytest.approx(chapter["att_truth"], rel=0.05)
    assert chapter["att_shrunk_end"] == pytest.approx(chapter["att_shrunk_formula"], abs=0.3)
    assert chapter["att_ratio"] > 2


@pytest.mark.parametrize("key", ["plr", "line", "irm", "dr", "mean", "irm_att", "gate", "dr_gate"])
def test_eight_objects_of_the_libraries_give_the_packages_estimate(chapter, key):
    assert chapter[f"att_gap_{key}"] < 1e-10


def test_the_forests_ate_is_near_and_its_att_is_not(chapter):
    assert 1e-6 < chapter["att_gap_forest"] < 0.1
    assert chapter["att_gap_wrong"] > 0.5


def test_errors_agree_up_to_a_degree_of_freedom_but_for_the_mean_over_fixed_modifiers(chapter):
    for key in ("plr", "irm", "irm_att", "gate"):
        assert chapter[f"att_ratio_{key}"] == pytest.approx(1, abs=1e-10), key
    for key in ("line", "dr", "dr_gate"):
        assert 1 < chapter[f"att_ratio_{key}"] < 1.001, key
    assert chapter["att_mean_narrower"] > 0.5
    assert chapter["att_se_growth"] > 0.5


def test_the_reports_sentence_contains_the_true_total(chapter):
    assert chapter["att_total"] == pytest.approx(chapter["att_followers"] * chapter["att_dml"])
    assert chapter["att_total_lower"] < chapter["att_total_true"] < chapter["att_total_upper"]
    assert chapter["att_atc"] < 0.6 * chapter["att_dml"]


def test_the_three_lines_of_double_machine_learning_cover_their_own_truths(chapter):
    assert chapter["att_board_dml"] == 3


def test_the_change_since_the_month_before_agrees_with_the_att(chapter):
    assert covers(chapter, "att_change")
    assert chapter["att_apart_lower"] < 0 < chapter["att_apart_upper"]
    assert chapter["att_change_se"] < chapter["att_dml_se"]


def test_private_knowledge_of_the_gain_spoils_the_ate_and_not_the_att(chapter):
    assert chapter["att_private_ate_lower"] > chapter["att_private_ate_truth"]
    assert covers(chapter, "att_private_att", "att_private_att_truth")


def test_a_second_learner_disagrees_where_the_data_are_silent(chapter):
    assert chapter["att_move_never_att"] < 0.3 * min(chapter["att_move_never_ate"], chapter["att_move_never_atc"])
    assert chapter["att_move_always_att"] > 1


def test_with_a_coin_even_the_wrong_score_stays_put(chapter):
    assert chapter["att_coin_moved"] < 1e-10
    assert chapter["att_coin_m"] == pytest.approx(50, abs=0.5)
