"""What the chapter on one's own table says holds in its results."""


def test_adjusting_for_everything_leaves_nothing(chapter):
    assert abs(chapter["ot_wrong"]) < 1
    assert chapter["ot_wrong_upper"] < chapter["ot_att"] / 3


def test_columns_get_their_roles(chapter):
    assert 8 <= chapter["ot_left"] <= 10
    assert chapter["ot_covariates"] > 200
    assert chapter["ot_kept_next"] == "yes"


def test_the_study_finds_the_effect(chapter):
    assert chapter["ot_covers"] == "yes"
    assert chapter["ot_naive"] > 1.5 * chapter["ot_effect"]
    assert chapter["ot_percent"] > 0
    assert chapter["ot_room"] < chapter["ot_effect"] / 2
    assert chapter["ot_too_high"] > 1
    assert chapter["ot_grade"] != "stop"


def test_a_broken_study_refuses(chapter):
    assert chapter["ot_refused"] == "stop"
    assert chapter["ot_refused_by"] == "placebo"  # every other check is fine
    assert chapter["ot_hidden"] > 1.5 * chapter["ot_hidden_truth"]


def test_the_exercises_say_what_happens(chapter):
    assert chapter["ot_with"] < chapter["ot_without"] / 3
    assert chapter["ot_with_grade"] == "stop"
    assert chapter["ot_through"] == "yes"
    assert chapter["ot_taken"] < 0.75 * chapter["ot_without"]
    assert chapter["ot_gap_value"] > 2 * chapter["ot_gap_error"]
    assert chapter["ot_others"] < chapter["ot_everyone"] < chapter["ot_effect"]
