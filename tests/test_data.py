"""Every mistake a user can make in naming roles is told in one sentence that names the column and a remedy."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp

ROLES = {"outcome": "sales", "treatment": "followed", "covariates": ["size", "kind"]}


def refuse(table, words, **roles):
    with pytest.raises(ValueError, match=words) as caught:
        tp.CausalData(table, **(ROLES | roles))
    message = str(caught.value)
    assert "\n" not in message
    assert any(mark in message for mark in (";", ":")), "the sentence says what to do"


def set_values(table, column, rows, value):
    table[column] = table[column].astype(object if isinstance(value, str) else float)
    table.loc[table.index[rows], column] = value
    return table


@pytest.mark.parametrize("role", ["outcome", "treatment", "cluster"])
def test_a_missing_column_is_named(table, role):
    refuse(table, "'nowhere'", **{role: "nowhere"})


def test_modifiers_may_come_as_any_sequence(table):
    data = tp.CausalData(table, **ROLES, effect_modifiers=pd.Index(["size"]))
    assert data.effect_modifiers == ("size",)


@pytest.mark.parametrize("role", ["covariates", "effect_modifiers"])
def test_a_missing_covariate_or_modifier_is_named(table, role):
    refuse(table, "'nowhere'", **{role: ["size", "nowhere"]})


def test_two_columns_of_the_same_name_are_refused(table):
    refuse(pd.concat([table, table[["size"]]], axis=1), "'size'.*more than once")


@pytest.mark.parametrize(
    "roles",
    [
        {"covariates": ["size", "sales"]},
        {"covariates": ["size", "followed"]},
        {"covariates": ["size", "size"]},
        {"cluster": "size"},
    ],
)
def test_a_column_with_two_roles_is_refused(table, roles):
    refuse(table, "one role only", **roles)


def test_a_modifier_must_be_a_covariate(table):
    refuse(table, "'seller' is not a covariate", effect_modifiers=["seller"])


def test_a_modifier_named_twice_is_refused(table):
    refuse(table, "'size' is named twice", effect_modifiers=["size", "size"])


def test_no_covariates_is_refused(table):
    refuse(table, "covariates is empty", covariates=[])


def test_not_a_frame_is_refused(table):
    refuse(table.to_numpy(), "must be a pandas DataFrame")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_outcome_that_is_missing_or_infinite_is_refused(table, value):
    refuse(set_values(table, "sales", [3], value), "'sales'")


def test_an_outcome_in_words_is_refused(table):
    refuse(table.assign(sales="many"), "'sales' is not numeric")


def test_a_constant_outcome_is_refused(table):
    refuse(table.assign(sales=3.0), "'sales' is constant")


@pytest.mark.parametrize("labels", [["a", "b", "c", "a"], [0, 1, 2, 1], [1, 1, 1, 1]])
def test_a_treatment_without_exactly_two_values_is_refused(table, labels):
    refuse(table.assign(followed=labels * 50), "'followed' must have two values")


def test_a_missing_treatment_is_refused(table):
    refuse(set_values(table, "followed", [0, 1], np.nan), "'followed' is missing in 2 rows")


def test_an_arm_of_one_row_is_refused(table):
    table["followed"] = [1] + [0] * (len(table) - 1)
    refuse(table, "'followed' has 1 treated")


def test_infinite_covariates_are_refused(table):
    refuse(set_values(table, "size", [5], -np.inf), "'size' has infinite")


def test_a_date_as_covariate_is_refused(table):
    refuse(table.assign(size=pd.Timestamp("2026-01-01")), "'size' is a date")


def test_an_identifier_as_covariate_is_refused(table):
    many = pd.concat([table] * 5, ignore_index=True)
    refuse(many.assign(kind=[f"id{i}" for i in range(len(many))]), "'kind' has 1,000 distinct labels")


def test_a_cluster_with_one_value_or_missing_ones_is_refused(table):
    refuse(table.assign(seller=1), "'seller' has a single value", cluster="seller")
    refuse(set_values(table, "seller", [0], np.nan), "'seller' is missing", cluster="seller")


@pytest.mark.parametrize("labels", [("no", "yes"), (1, 2), (-1, 1)])
def test_two_other_labels_ask_which_one_means_treated(table, labels):
    renamed = table.assign(followed=np.where(table["followed"] == 1, labels[1], labels[0]))
    refuse(renamed, "which one means treated")
    refuse(renamed, "is not a value of treatment 'followed'", treated="perhaps")
    data = tp.CausalData(renamed, **ROLES, treated=labels[1])
    assert (data.d == table["followed"]).all()


@pytest.mark.parametrize("kind", [bool, float, "Int64", "category", object, "boolean"])
def test_zero_and_one_are_understood_in_any_dtype(table, kind):
    data = tp.CausalData(table.assign(followed=table["followed"].astype(kind)), **ROLES)
    assert (data.d == table["followed"]).all()


def test_covariates_become_numbers(table):
    table["kind"] = table["kind"].astype("category")
    table["new"] = table["size"] > 0
    table.loc[table.index[:3], "kind"] = np.nan
    data = tp.CausalData(table, "sales", "followed", ["size", "kind", "new"])
    assert data.x_names == ["size", "kind=a", "kind=b", "kind=missing", "new"]
    assert data.x.shape == (200, 5)
    assert (data.x[:, 1:4].sum(axis=1) == 1).all()
    assert data.x[:3, 3].all()


def test_float32_stays_float32_and_nothing_is_shared_with_the_frame(table):
    narrow = table.astype({"size": "float32"})
    data = tp.CausalData(narrow, "sales", "followed", ["size", "kind"])
    assert data.x.dtype == np.float32
    assert not np.shares_memory(data.x, narrow["size"].to_numpy())
    assert not np.shares_memory(data.y, narrow["sales"].to_numpy())


def test_a_level_never_seen_before_is_refused_in_new_rows(table):
    data = tp.CausalData(table, **ROLES)
    with pytest.raises(ValueError, match="'kind' has the level 'z'"):
        data.modifiers(table.assign(kind="z"))
    with pytest.raises(ValueError, match="lacks effect modifier 'kind'"):
        data.modifiers(table[["size"]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": np.nan}, "'size' is missing or infinite in 200 rows"),
        ({"size": np.inf}, "'size' is missing or infinite in 200 rows"),
        ({"size": "large"}, "'size' holds numbers in the data"),
        ({"kind": None}, "'kind' has missing values, which the data never had"),
    ],
)
def test_modifiers_that_give_no_number_are_refused_in_new_rows(table, change, words):
    with pytest.raises(ValueError, match=words):
        tp.CausalData(table, **ROLES).modifiers(table.assign(**change))


@pytest.mark.parametrize("rows", ["no frame", pd.DataFrame({"size": [], "kind": []})])
def test_new_rows_must_be_a_frame_with_rows(table, rows):
    with pytest.raises(ValueError, match="at least one row"):
        tp.CausalData(table, **ROLES).modifiers(rows)


def test_numbers_stored_as_objects_are_refused_rather_than_taken_for_labels(table):
    refuse(table.assign(size=table["size"].round(1).astype(object)), r"'size' holds numbers as object")
    refuse(table.assign(sales=table["sales"].astype(complex)), "'sales' is not numeric")


def test_a_covariate_that_is_missing_everywhere_is_refused(table):
    refuse(table.assign(size=np.nan), "'size' is missing in every row")


def test_a_frame_without_rows_is_refused(table):
    refuse(table.iloc[:0], "no rows")


def test_true_does_not_stand_for_a_label_of_one_beside_two(table):
    refuse(table.assign(followed=table["followed"] + 1), "is not a value of treatment", treated=True)


@pytest.mark.parametrize("kind", ["float64[pyarrow]", "Float32", "Sparse[float64]"])
def test_numbers_of_any_storage_are_numbers(table, kind):
    data = tp.CausalData(table.assign(size=table["size"].astype(kind)), **ROLES)
    assert np.allclose(data.x[:, 0], table["size"], rtol=1e-6)


def test_extra_columns_and_a_repeated_index_do_no_harm(table):
    table.index = [0] * len(table)
    data = tp.CausalData(table.assign(note="x"), **ROLES)
    assert data.n_rows == 200


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"labels": {"nowhere": "x"}}, "labels names 'nowhere', which is not in the frame"),
        ({"units": {"nowhere": "x"}}, "units names 'nowhere', which is not in the frame"),
        ({"arms": ("same", "same")}, "arms=.* are not two names"),
        ({"arms": ("one",)}, "arms=.* are not two names"),
        ({"arms": "no"}, "arms='no' are not two names"),
    ],
)
def test_words_that_fit_nothing_are_refused(table, words, named):
    refuse(table, named, **words)


def test_arms_are_named_and_words_fall_back_on_column_names(table):
    data = tp.CausalData(table, **ROLES, labels={"sales": "units sold"}, arms=("stayed", "followed"))
    assert list(data.arm.categories) == ["stayed", "followed"]
    assert ((data.arm == "followed") == (table["followed"] == 1)).all()
    assert (data.words.treatment, data.words.outcome, data.words.unit) == ("followed", "units sold", "")


def test_a_complex_covariate_is_refused(table):
    refuse(table.assign(size=table["size"].astype(complex)), "'size' is complex")
