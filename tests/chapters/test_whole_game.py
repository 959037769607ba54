"""What the whole game claims, from the naive number to the sentence for the owner."""


def test_the_naive_number_is_far_too_high_and_the_lead_was_there_before(chapter):
    assert chapter["wg_naive_lower"] > 2 * chapter["wg_true_ate"]
    assert chapter["wg_before_lower"] > 1


def test_both_intervals_contain_their_truths(chapter):
    assert chapter["wg_covered"] == 2  # "both"
    assert chapter["wg_att_lower"] > chapter["wg_ate"] > chapter["wg_atc"]
    assert chapter["wg_naive_lower"] > chapter["wg_att_upper"]  # "far from the first one"


def test_three_in_ten_follow_and_the_message_is_worth_that_share_of_the_att(chapter):
    assert abs(chapter["wg_share"] - 30) < 1.5
    assert chapter["wg_message_gap"] < 1e-9
    assert chapter["wg_message"] < 0.7 * chapter["wg_ate"]
    assert chapter["wg_default"] < 0.7 * chapter["wg_ate"]


def test_much_stock_gains_more_and_the_difference_has_an_interval_of_its_own(chapter):
    assert chapter["wg_more_lower"] > 0
    assert chapter["wg_more_covers"] == "yes"
    assert chapter["wg_more_true"] < chapter["wg_more"]


def test_followers_gain_more_by_a_difference_with_its_own_interval(chapter):
    assert chapter["wg_apart_lower"] > 0


def test_the_check_passes_with_the_columns_and_fails_without(chapter):
    assert (chapter["wg_placebo"], chapter["wg_blind_check"]) == ("yes", "no")
    assert abs(chapter["wg_placebo_value"]) < 0.15 * chapter["wg_before"]
    assert chapter["wg_blind_lower"] < chapter["wg_naive"] < chapter["wg_blind_upper"]


def test_the_interval_is_narrower_and_the_joint_one_of_the_best_wider(chapter):
    assert chapter["wg_narrower"] > 1.5
    assert chapter["wg_joint_width"] > 1.2 * (chapter["wg_best_upper"] - chapter["wg_best_lower"])


def test_sales_are_explained_by_two_thirds_and_the_decision_by_much_less(chapter):
    assert 0.6 < chapter["wg_explained_low"] <= chapter["wg_explained_high"] < 0.75
    assert chapter["wg_explained_m"] < 0.5 * chapter["wg_explained_low"]


def test_what_the_placebo_leaves_open_is_small_beside_the_effects(chapter):
    assert chapter["wg_placebo_most"] < chapter["wg_ate"] / 4
    assert chapter["wg_more_lower"] < chapter["wg_more_true"] < chapter["wg_more_upper"]
    assert 3 < chapter["wg_rows_saved"] < 6
