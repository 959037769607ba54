"""What the chapter on known answers says holds in its results: the successes, and what they are not worth."""

import pytest

import tutorial_pkg as tp


def test_the_experiment_is_known_only_so_well(chapter):
    assert chapter["ka_benchmark"] == pytest.approx(1_794, abs=1)
    assert chapter["ka_benchmark_lower"] < 500
    assert chapter["ka_benchmark_upper"] > 3_000
    assert (chapter["ka_trained"], chapter["ka_controls"]) == (185, 260)


def test_the_naive_comparison_is_off_by_more_than_ten_thousand(chapter):
    assert round(chapter["ka_naive"]) == -8_498
    assert chapter["ka_range"] > 10_000
    assert chapter["ka_before"] < chapter["ka_before_cps"] / 5
    assert chapter["ka_none"] > 5 * chapter["ka_none_cps"]


def test_the_att_comes_back_to_the_experiment(chapter):
    """Within $400 of it in the median over sample splits, and its interval contains it."""
    assert chapter["ka_att_lower"] < chapter["ka_benchmark"] < chapter["ka_att_upper"]
    assert chapter["ka_median_gap"] < 400
    assert chapter["ka_cps_recommended_covers"] == 100
    assert chapter["ka_luck"] < 25
    assert chapter["ka_att_gap"] < 3 * chapter["ka_cps_recommended_sd"] < chapter["ka_miss_error"]
    assert 550 < chapter["ka_miss_error"] < 800
    assert chapter["ka_miss_lower"] < 0 < chapter["ka_miss_upper"]
    assert abs(chapter["ka_cps_linear"] - chapter["ka_cps_recommended"]) > chapter["ka_cps_recommended_sd"]
    assert chapter["ka_cps_recommended_sd"] < chapter["ka_cps_recommended_se"] / 3
    assert chapter["ka_lines_psid"] < chapter["ka_psid_span"]


def test_other_averages_are_other_questions(chapter):
    assert chapter["ka_ate_loss"] > 3_000
    assert chapter["ka_plr"] == pytest.approx(1_023, abs=150)  # published
    assert chapter["ka_ols"] == pytest.approx(1_066, abs=5)  # published
    assert chapter["ka_below"] > 80
    assert abs(chapter["ka_contrast_value"]) < 1.96 * chapter["ka_contrast_error"]
    assert chapter["ka_ols_range"] > 0.9 * chapter["ka_range"]
    assert chapter["ka_above"] < 500
    assert chapter["ka_above_share"] > 40


def test_the_placebo_of_the_year_before_fails(chapter):
    assert chapter["ka_placebo_upper"] < 0
    assert chapter["ka_placebo_lower"] < -1_265 < chapter["ka_placebo_upper"]  # Imbens and Xu
    assert round(chapter["ka_past"]) == 265
    assert chapter["ka_fake_fail"] >= 3
    assert chapter["ka_fake_n"] == 4
    assert chapter["ka_fake_high"] < 0
    assert chapter["ka_fake_line_fail"] == 4
    assert chapter["ka_fake_line_least"] > 500


def test_the_controls_of_the_experiment_show_what_is_left(chapter):
    assert chapter["ka_left_lower"] < 0 < chapter["ka_left_upper"]
    assert abs(chapter["ka_left"]) < chapter["ka_left_raw"] / 10
    assert chapter["ka_left_share"] < 10
    assert chapter["ka_left_largest"] > 0.05 * chapter["ka_left_total"]
    assert chapter["ka_left_effective"] < 100


def test_the_direct_comparison_would_notice_a_bias_as_large_as_the_effect(chapter):
    """And says more than the controls beside the survey, once the trained men's mean is taken out."""
    assert chapter["ka_miss_error"] < 0.8 * chapter["ka_left_se"]
    assert chapter["ka_miss_error"] < chapter["ka_miss_naive"] < chapter["ka_left_se"]
    assert chapter["ka_power"] > 60
    assert chapter["ka_power_small"] < 25
    assert chapter["ka_inside"] == 1
    assert chapter["ka_psid_miss"] < 1.96


def test_the_panel_is_no_better_a_neighbour(chapter):
    assert chapter["ka_psid_cautioned"] == "a caution"
    assert chapter["ka_psid_line_upper"] < 0


def test_designs_disagree_and_are_each_tight(chapter):
    values = [chapter[f"ka_{survey}_{rows}"] for survey in ("cps", "psid") for rows in ("all", "comparable")]
    assert max(values) - min(values) > chapter["ka_benchmark"]
    assert max(abs(value - chapter["ka_benchmark"]) for value in values) < 1_500
    assert (min(values), max(values)) == (chapter["ka_psid_comparable"], chapter["ka_psid_all"])
    assert chapter["ka_pair_gap"] < 1.96 * chapter["ka_pair_error"]
    assert max(values) - min(values) < 1.96 * (chapter["ka_error_low"] ** 2 + chapter["ka_error_high"] ** 2) ** 0.5
    assert chapter["ka_dots_sd"] < 1
    assert max(chapter["ka_lines_cps"], chapter["ka_lines_psid"]) < 400
    assert max(chapter["ka_cps_recommended_sd"], chapter["ka_psid_recommended_sd"]) < 300
    assert chapter["ka_psid_high"] - chapter["ka_psid_low"] > 1_500
    assert chapter["ka_psid_comparable_lines"] > chapter["ka_psid_comparable"] + 500
    assert chapter["ka_psid_all"] > 2_500
    assert chapter["ka_psid_plr_loss"] > 0
    assert chapter["ka_lost_below"] > 5 * max(chapter["ka_lost_above"], 1)
    assert (
        0.8 * chapter["ka_lost_cps"]
        < chapter["ka_lost_below"] + chapter["ka_lost_above"]
        < 1.2 * chapter["ka_lost_cps"]
    )


def test_without_earlier_earnings_the_answer_is_confidently_wrong(chapter):
    assert chapter["ka_blind_upper"] < 0
    width = chapter["ka_blind_upper"] - chapter["ka_blind_lower"]
    assert width < chapter["ka_att_upper"] - chapter["ka_att_lower"]
    assert chapter["ka_kept"] == 6


def test_smokers_gain_as_published_and_a_line_finds_it_too(chapter):
    assert chapter["ka_published_gap"] < 0.3
    assert chapter["ka_crude"] == pytest.approx(2.54, abs=0.01)
    assert chapter["ka_smokers_gap"] < 0.2
    assert chapter["ka_squares_p"] < 0.001
    assert abs(chapter["ka_squares"] - chapter["ka_smokers_ols"]) < chapter["ka_smokers_ols_se"] / 3
    assert chapter["ka_age_quit"] > chapter["ka_age_stay"]
    assert chapter["ka_old_gain"] < chapter["ka_young_gain"] - 1
    assert chapter["ka_smokers_high"] - chapter["ka_smokers_low"] < chapter["ka_smokers_se"]


def test_the_censored_are_weighed_and_could_hide_the_effect(chapter):
    assert chapter["ka_unknown"] == 63
    assert chapter["ka_unknown_quit"] > chapter["ka_unknown_stay"]
    assert abs(chapter["ka_weighed_value"] - chapter["ka_dropped"]) < chapter["ka_weighed_se"] / 3
    assert abs(chapter["ka_weighed_value"] - chapter["ka_dropped"]) < 3 * chapter["ka_folds_sd"]
    assert chapter["ka_bad_least_lower"] > 0
    assert chapter["ka_bad_least"] < chapter["ka_smokers"] < chapter["ka_bad_most"]
    assert chapter["ka_worst_least"] < 0 < chapter["ka_worst_least_upper"]
    assert chapter["ka_worst_most"] > chapter["ka_bad_most"]


def test_undecided_men_carry_the_line(chapter):
    assert chapter["ka_line_share"] > 60
    assert chapter["ka_line_rows"] < 600
    middle = chapter["ka_line_middle"]
    assert middle * (1 - middle) > 0.8 * 0.25
    assert 25 < 100 - chapter["ka_line_share"] < 42
    assert chapter["ka_line_propensity"] < chapter["ka_line_trained"] - 0.05
    assert chapter["ka_line_before"] > 1.2 * chapter["ka_before"]


@pytest.mark.slow
def test_stored_splits_are_what_the_code_finds():
    from tests.benchmarks.known_studies import cell

    stored = tp.load_known_studies()
    fresh = cell("NHEFS", "recommended", 3).set_index("estimand")
    kept = stored.query("study == 'NHEFS' and learners == 'recommended' and seed == 3").set_index("estimand")
    for estimand in ("ATE", "ATT", "PLR"):
        assert fresh.loc[estimand, "value"] == pytest.approx(kept.loc[estimand, "value"], abs=0.02)
