"""What the chapter on checks says of them holds in hundreds of studies, and in the ones that it draws itself."""

from dataclasses import replace

import numpy as np
import pytest

import tutorial_pkg as tp


def test_the_sound_study_is_green_and_right(chapter):
    assert chapter["ck_green"] == chapter["ck_n"] == 7
    assert chapter["ck_quiet_bound"] < chapter["ck_sound"] / 3
    assert chapter["ck_sound_lower"] < chapter["ck_ate"] < chapter["ck_sound_upper"]


def test_weighting_pushed_one_column_over_the_usual_limit(chapter):
    assert abs(chapter["ck_home_before"]) < 0.1 < abs(chapter["ck_home"])


def test_broken_studies_are_off_and_thin_overlap_a_little(chapter):
    assert chapter["ck_err_hidden"] > 5
    assert chapter["ck_err_half"] > 2
    assert chapter["ck_err_weak"] > 3
    assert chapter["ck_err_clicks"] < -3
    assert 1.5 * chapter["ck_err_thin_se"] < chapter["ck_err_thin"] < 1.5
    assert chapter["ck_wrong_thin"] < 30
    assert chapter["ck_wrong_sound"] < 10
    assert 0.1 < chapter["ck_err_half"] / chapter["ck_err_hidden"] < 0.45


def test_only_placebos_see_a_hidden_trait(chapter):
    assert chapter["ck_placebo_hidden"] > 95
    assert chapter["ck_later_hidden"] > 90
    assert chapter["ck_placebo_half"] > 50
    assert chapter["ck_later_half"] > 40
    for check in ("overlap", "balance", "moments", "constant"):
        assert chapter[f"ck_{check}_hidden"] < 10
    assert chapter["ck_rows_hidden"] < 15


def test_each_placebo_has_its_own_blind_spot(chapter):
    assert chapter["ck_placebo_clicks"] > 90
    assert chapter["ck_later_clicks"] < 20


def test_weak_learners_show_everywhere_but_in_their_own_check(chapter):
    for check in ("balance", "moments", "placebo", "later"):
        assert chapter[f"ck_{check}_weak"] > 80
    assert chapter["ck_constant_weak"] == 0
    assert chapter["ck_constant_false"] == chapter["ck_constant_hit"] == 0


def test_thin_overlap_shows_in_rows_and_weights(chapter):
    assert chapter["ck_stop_thin"] > 95
    assert chapter["ck_balance_thin"] > 40
    assert chapter["ck_rows_thin"] > 50


def test_the_placebo_is_the_best_check_and_keeps_its_level(chapter):
    assert chapter["ck_placebo_hit"] > 80
    assert chapter["ck_placebo_hit"] == max(chapter[f"ck_{k}_hit"] for k in ("placebo", "later", "balance", "moments"))
    assert chapter["ck_placebo_false"] < 12
    assert abs(chapter["ck_rows_false"] - chapter["ck_rows_hit"]) < 10
    assert 10 < chapter["ck_any_false"] < 30
    assert chapter["ck_balance_false"] < 5
    assert chapter["ck_moments_false"] < 5
    assert chapter["ck_usual"] > 30
    assert chapter["ck_overlap_false"] == chapter["ck_overlap_hit"] == 0


def test_stop_is_rare_in_sound_studies_and_sure_only_of_large_faults(chapter):
    assert chapter["ck_any_large"] > 97
    assert chapter["ck_any_half"] > 80
    assert chapter["ck_stop_false"] < 8
    assert chapter["ck_stop_large"] > 97
    assert 35 < chapter["ck_stop_half"] < 90


def test_the_placebo_treatment_is_biased_a_little(chapter):
    assert chapter["ck_later_half"] > chapter["ck_placebo_half"] - 10
    assert chapter["ck_placebo_false"] < chapter["ck_later_false"] < 20
    assert chapter["ck_later_mean"] > 2 * chapter["ck_later_mean_se"]
    assert chapter["ck_later_up"] > 0.7 * chapter["ck_later_alarms"]


def test_fitting_again_finds_nothing(chapter):
    assert chapter["ck_permuted"] < 15
    assert chapter["ck_stable"] < 10


def test_an_alarm_multiplies_the_odds(chapter):
    assert chapter["ck_ratio_lower"] > 5
    assert chapter["ck_ratio_lower"] < chapter["ck_ratio"] < chapter["ck_ratio_upper"]
    assert 35 < chapter["ck_post_lower"] < chapter["ck_post"] < chapter["ck_post_upper"]
    assert chapter["ck_missed"] <= 0.1 * chapter["ck_n_wrong"]
    assert chapter["ck_post"] == pytest.approx(100 * chapter["ck_ratio"] / (chapter["ck_ratio"] + 9), abs=1)


def test_the_placebo_shares_the_luck_of_a_sound_study_in_part(chapter):
    assert 0.3 < chapter["ck_luck"] < 0.9


def test_a_late_trait_leaves_the_table_green(chapter):
    assert chapter["ck_noticed"] > 3
    assert chapter["ck_late_green"] == chapter["ck_late_n"] == 7
    assert 1.7 < chapter["ck_late_times"] < 2.4
    assert chapter["ck_late_far"] > 4


def test_the_sellers_other_rows_give_the_trait_away(chapter):
    assert chapter["ck_other_silent_grade"] == "stop"
    assert chapter["ck_other_silent_z"] > 3.5
    assert chapter["ck_other_calm_grade"] == "fine"


def test_four_checks_are_stricter_than_they_promise(chapter):
    assert chapter["ck_seven"] == pytest.approx(100 * (1 - 0.95**7), abs=0.5)
    assert chapter["ck_strict"] < 3
    assert chapter["ck_balance_false"] <= chapter["ck_strict"] + 1e-9
    assert chapter["ck_independent"] < chapter["ck_seven"] - 5
    assert abs(chapter["ck_independent"] - chapter["ck_any_false"]) < 6


def test_a_placebo_among_the_covariates_says_nothing(chapter):
    assert chapter["ck_inside_lower"] < 0 < chapter["ck_inside_upper"]
    assert chapter["ck_inside_upper"] < 0.5
    assert chapter["ck_outside_lower"] > 2
    assert (
        chapter["ck_ate"]
        < chapter["ck_inside_ate"]
        < chapter["ck_ate"] + 0.4 * (chapter["ck_late"] - chapter["ck_ate"])
    )


def test_the_placebo_accuses_clicks_and_is_silent_on_engagement(chapter):
    assert min(chapter["ck_without_confounder"], chapter["ck_without_clicks"]) > 2
    assert chapter["ck_clicks_placebo"] < -4
    assert max(abs(chapter["ck_kept_placebo"]), abs(chapter["ck_left_placebo"])) < 1.96
    assert chapter["ck_without_shift"] > 0.2


def test_there_are_as_many_studies_as_the_page_needs():
    studies = tp.load_checks()
    assert len(studies) >= 500
    assert studies.groupby("case").size().min() >= 40
    assert np.isfinite(studies["error"]).all()


@pytest.mark.slow
def test_stored_checks_are_what_the_code_finds():
    from tests.benchmarks.checks import cell

    fresh, kept = cell("weak learners", 5_003, full=False).iloc[0], tp.load_checks().set_index(["case", "seed"])
    for measure in ("balance: largest z", "placebo: z", "placebo treatment: z", "score's moments: largest z"):
        assert fresh[measure] == pytest.approx(kept.loc[("weak learners", 5_003), measure], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [62, 63, 64])
def test_other_rows_give_the_trait_away_in_other_markets_too(seed):
    market = {"n_rows": 2_000, "seed": seed, "n_covariates": 30}
    grades = []
    for hidden in (1.0, 0.0):
        data = tp.simulate_sellers(**market, hidden=hidden).data
        decisions = data.frame.groupby("seller_id")["aligned"]
        data = replace(data, frame=data.frame.assign(other_row=decisions.transform(np.roll, 1)))
        fitted = tp.cross_fit(data, tp.learners.linear(), progress=False)
        grades.append(tp.diagnostics.placebo_treatment(fitted, "other_row").grade)
    assert grades == ["stop", "fine"]


@pytest.mark.slow
def test_the_later_decision_gets_a_part_of_the_effect_of_the_first():
    """In markets without any effect of following, the placebo treatment has no bias."""
    z = {
        effect: [
            tp.diagnostics.placebo_treatment(
                tp.cross_fit(
                    tp.simulate_sellers(2_000, seed=seed, n_covariates=30, effect=effect).data,
                    tp.learners.linear(),
                    progress=False,
                ),
                "aligned_next",
            ).measures["z"]
            for seed in range(200, 215)
        ]
        for effect in (0.0, 1.0)
    }
    assert abs(np.mean(z[0.0])) < 0.5
    assert np.mean(z[1.0]) - np.mean(z[0.0]) > 0.3
