"""What the chapter on checks says of them holds in hundreds of studies, and in the ones that it draws itself."""

import numpy as np
import pytest

import tutorial_pkg as tp

BIASED = ("hidden", "half", "clicks", "weak")


def test_the_sound_study_is_green_and_right(chapter):
    assert chapter["ck_green"] == chapter["ck_n"] == 7
    assert chapter["ck_quiet_bound"] < chapter["ck_sound"] / 3
    assert chapter["ck_sound_lower"] < chapter["ck_ate"] < chapter["ck_sound_upper"]


def test_broken_studies_are_off_and_thin_overlap_is_not(chapter):
    assert chapter["ck_err_hidden"] > 5
    assert chapter["ck_err_half"] > 2
    assert chapter["ck_err_weak"] > 3
    assert chapter["ck_err_clicks"] < -3
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
    assert chapter["ck_overlap_thin"] > 95
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
    assert chapter["ck_stop_false"] < 8
    assert chapter["ck_stop_hit"] > 75


def test_fitting_again_finds_nothing(chapter):
    assert chapter["ck_permuted"] < 15
    assert chapter["ck_stable"] < 10


def test_an_alarm_multiplies_the_odds(chapter):
    assert chapter["ck_ratio"] > 5
    assert chapter["ck_post_10"] < chapter["ck_post_50"]
    assert chapter["ck_missed"] <= 0.1 * chapter["ck_n_wrong"]
    assert chapter["ck_quiet_10"] < 2
    assert chapter["ck_quiet_50"] < 12
    ratio = chapter["ck_hit_wrong"] / chapter["ck_false_wrong"]
    assert chapter["ck_post_50"] == pytest.approx(100 * ratio / (1 + ratio), abs=1)


def test_a_late_trait_is_seen_by_nothing(chapter):
    assert chapter["ck_noticed"] > 3
    assert chapter["ck_late_green"] == chapter["ck_late_n"] == 7
    assert chapter["ck_late_times"] > 1.8
    assert chapter["ck_late_far"] > 4


def test_exercises(chapter):
    assert chapter["ck_seven"] == pytest.approx(100 * (1 - 0.95**7), abs=0.5)
    assert chapter["ck_inside_lower"] < 0 < chapter["ck_inside_upper"]
    assert min(chapter["ck_without_confounder"], chapter["ck_without_clicks"]) > 2


def test_there_are_as_many_studies_as_the_page_needs():
    studies = tp.load_checks()
    assert len(studies) >= 290
    assert studies.groupby("case").size().min() >= 20
    assert np.isfinite(studies["error"]).all()


@pytest.mark.slow
def test_stored_checks_are_what_the_code_finds():
    from tests.benchmarks.checks import cell

    fresh, kept = cell("weak learners", 5_003, full=False).iloc[0], tp.load_checks().set_index(["case", "seed"])
    for measure in ("balance: largest z", "placebo: z", "placebo treatment: z", "score's moments: largest z"):
        assert fresh[measure] == pytest.approx(kept.loc[("weak learners", 5_003), measure], abs=0.02)
