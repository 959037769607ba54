"""What the page on the two libraries claims of the versions that are installed."""

from importlib.metadata import version

import pytest


def test_the_page_names_the_versions_it_was_computed_with(chapter):
    assert str(chapter["rec_doubleml"]) == version("doubleml")
    assert str(chapter["rec_econml"]) == version("econml")


@pytest.mark.parametrize("key", ["plr", "plr_groups", "plr_line", "ate", "gate", "line", "bounds"])
def test_seven_objects_of_the_two_libraries_are_the_same_estimate(chapter, key):
    assert chapter[f"rec_gap_{key}"] < 1e-10
    assert (chapter["rec_rows"], chapter["rec_same"]) == (8, 7)


def test_econmls_att_is_another_number_and_its_ate_is_near(chapter):
    assert chapter["rec_gap_att"] == pytest.approx(abs(chapter["rec_att"] - chapter["rec_att_"]))
    assert chapter["rec_gap_att"] > 1
    assert abs(chapter["rec_att"] - chapter["rec_att_truth"]) < abs(chapter["rec_att_"] - chapter["rec_att_truth"])
    assert 1e-6 < abs(chapter["rec_ate_"] - chapter["rec_ate"]) < 0.5 * chapter["rec_ate_se"]


@pytest.mark.parametrize(("key", "k"), [("plr", 1), ("ate", 1), ("plr_groups", 8), ("gate", 8)])
def test_errors_agree_up_to_the_degrees_of_freedom(chapter, key, k):
    n = chapter["rec_n"]
    assert chapter[f"rec_ratio_{key}"] == pytest.approx(((n - k) / n) ** 0.5, abs=1e-9)


def test_a_mean_over_given_modifiers_is_the_ate_with_too_small_an_error(chapter):
    assert chapter["rec_mean_gap"] < 1e-10
    assert chapter["rec_mean_narrower"] > 0.2


def test_at_equal_thresholds_clipping_makes_no_difference_and_the_thresholds_do(chapter):
    assert chapter["rec_clip_gap"] < 1e-8
    assert chapter["rec_clip_moved"] > 0.1
    assert chapter["rec_clip_se_least"] > chapter["rec_clip_se_most"]
    assert chapter["rec_clip_bias"] < 2.5  # unbiased at every threshold, with true outcome functions


def test_left_to_themselves_the_libraries_differ_by_less_than_a_standard_error(chapter):
    assert 0 < chapter["rec_split_gap"] < 100
    assert chapter["rec_split_two_spread"] > 0
    assert chapter["rec_split_doubleml_spread"] > chapter["rec_split_five_spread"] > 0
