"""What the chapter on more than one machine says holds in its results."""


def test_the_cluster_gives_the_same_numbers_and_costs_its_start(chapter):
    assert chapter["mm_same"] == "yes"
    assert chapter["mm_start"] + chapter["mm_first"] > chapter["mm_here"]


def test_out_of_core_is_within_half_a_standard_error_and_the_sums_are_exact(chapter):
    assert chapter["mm_apart"] < 0.5
    assert chapter["mm_exact"] < 1e-8
    assert chapter["mm_seeds"] > 0.02
    assert chapter["mm_several"] > 50
    assert chapter["mm_above"] == "yes"


def test_at_this_size_a_worker_s_memory_is_python_s(chapter):
    assert chapter["mm_size"] < 2
    assert chapter["mm_idle"] > 50 * chapter["mm_size"]
    assert chapter["mm_peak"] >= chapter["mm_idle"]


def test_with_more_rows_a_worker_needs_less_than_one_process_and_more_than_its_share_twice(chapter):
    assert chapter["mm_top_two"] < 0.5 * chapter["mm_top_one"]
    assert chapter["mm_grown_one"] > 2
    assert 0.5 < chapter["mm_grown_two"] < 1
    assert chapter["mm_took_two"] < chapter["mm_took_one"]


def test_a_killed_worker_does_not_lose_the_run(chapter):
    assert chapter["mm_killed"] == "yes"
    assert chapter["mm_survived"] == "yes"


def test_the_exercises_say_what_happens(chapter):
    assert chapter["mm_pays_cold"] > chapter["mm_pays"] >= 0
    assert chapter["mm_workers"] == 3
    assert abs(chapter["mm_factor"] - 1.9**0.5) < 0.1
    assert chapter["mm_divided"] > 50
    assert chapter["mm_hashed"] == 0
