"""A million rows of 300 covariates: within a minute, in less than twice the memory of the matrix."""

from tests.benchmarks.measure import keep, measure


def test_a_million_rows_of_300_covariates():
    base = measure("tp.simulate_sellers(100, n_covariates=300)")
    found = measure("sample = tp.simulate_sellers(1_000_000, n_covariates=300)")
    matrix = 1_000_000 * 300 * 4 / 2**20
    found |= {
        "matrix MB": matrix,
        "peak over matrix": found["peak MB"] / matrix,
        "peak MB of 100 rows": base["peak MB"],
    }
    keep("simulate", found)
    print(found)
    assert found["seconds"] < 60
    assert found["peak over matrix"] < 2
