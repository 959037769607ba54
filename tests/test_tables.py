"""Files as they come and columns as nobody cleaned them: one sentence for every mistake, a reason for every column."""

import numpy as np
import pandas as pd
import pytest

from tutorial_pkg.roles import Prepared, prepare
from tutorial_pkg.tables import read_table, rows_of


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 400
    size = rng.normal(size=n)
    d = (rng.random(n) < 1 / (1 + np.exp(-size))).astype(int)
    y = size + d + rng.normal(size=n)
    return pd.DataFrame(
        {
            "sales_30d": y,
            "followed": d,
            "size": size,
            "visits": [f"{v:,.0f}" for v in rng.integers(0, 5_000, n)],
            "region": rng.choice(["north", "south", None], n),
            "city": rng.choice([f"c{i}" for i in range(120)], n),
            "row_id": [f"id-{i}" for i in range(n)],
            "constant": 1,
            "same_size": size,
            "day": pd.date_range("2026-01-01", periods=n, freq="h"),
            "clicks_30d": rng.poisson(3, n),
            "accepted": d * 2 + 1,
            "sales_copy": y * 3 + 1e-6 * rng.normal(size=n),
            "ratio": np.where(rng.random(n) < 0.01, np.inf, rng.random(n)),
            "seller": np.arange(n) // 4,
        }
    )


def bad_files(folder):
    """Name of each bad file, and what its sentence says."""
    (folder / "empty.csv").write_bytes(b"")
    (folder / "header.csv").write_text("a,b\n")
    (folder / "twice.csv").write_text("a,b,a\n1,2,3\n")
    (folder / "latin.csv").write_bytes("a,b\ncaf\xe9,1\n".encode("latin-1"))
    (folder / "utf16.csv").write_text("a,b\n1,2\n", encoding="utf-16")
    (folder / "page.csv").write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    (folder / "ragged.csv").write_text("a,b\n1,2\n1,2,3,4\n")
    (folder / "shifted.csv").write_text("a,b\n1,2,\n3,4,\n")
    (folder / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    (folder / "book.xlsx").write_bytes(b"PK")
    return {
        "missing.csv": "There is no file",
        "empty.csv": "empty.csv is empty; export it again",
        "header.csv": "header.csv has no rows",
        "twice.csv": "has the column 'a' more than once",
        "latin.csv": "cannot be read as utf-8 .*save it as UTF-8, or name its encoding",
        "utf16.csv": "cannot be read as utf-8",
        "page.csv": "is a web page and no table",
        "ragged.csv": "is no regular table",
        "shifted.csv": "has more fields in its rows than names",
        "broken.parquet": "is no Parquet file, or not a whole one",
        "book.xlsx": "is neither .csv nor .parquet",
    }


def test_every_bad_file_gets_one_sentence(tmp_path):
    for name, sentence in bad_files(tmp_path).items():
        with pytest.raises(ValueError, match=sentence) as told:
            read_table(tmp_path / name)
        assert "\n" not in str(told.value), name


def test_files_that_can_be_read_are_read(tmp_path, table):
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table)
    for name, options in {"c.csv": {}, "s.csv": {"sep": ";"}, "t.tsv": {"sep": "\t"}}.items():
        table.to_csv(tmp_path / name, index=False, **options)
        assert list(read_table(tmp_path / name)) == list(table)
    table.assign(region="Malmö").to_csv(tmp_path / "l.csv", index=False, encoding="latin-1")
    assert read_table(tmp_path / "l.csv", encoding="latin-1")["region"].iloc[0] == "Malmö"


def test_repeated_names_are_refused_in_parquet_too(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "twice.parquet")
    with pytest.raises(ValueError, match="column 'a' more than once"):
        read_table(tmp_path / "twice.parquet")


def test_every_column_has_a_role_and_a_reason(table):
    before = table.copy()
    found = prepare(table, "sales_30d", "followed", cluster="seller")
    assert isinstance(found, Prepared)
    why = found.columns["why"]
    assert list(found.columns.index) == list(table)
    assert set(found.data.covariates) == {"size", "visits", "region", "city", "ratio"}
    assert why["visits"] == "numbers stored as text"
    assert why["city"].endswith("rare labels are one, other")
    assert "infinite, now missing" in why["ratio"]
    reasons = {
        "row_id": "nearly one label a row",
        "constant": "constant",
        "same_size": "a copy of size",
        "day": "a date",
        "clicks_30d": "named after the outcome's period, 30d",
        "accepted": "separates the arms",
        "sales_copy": "nearly the outcome",
    }
    for name, reason in reasons.items():
        assert found.left_out.loc[name, "why"].startswith(reason), name
    pd.testing.assert_frame_equal(table, before)


def test_what_a_table_may_hide_is_left_out_or_refused(table):
    more = table.assign(
        deal_price=table["size"].where(table["followed"] == 1),
        status=np.where(table["followed"] == 1, 2, np.where(table["size"] > 0, 1, 3)),
        number=np.arange(400) + 7_000,
        day_text=table["day"].astype(str).str[:10],
        tags=[["a"], ["b"]] * 200,
    )
    why = prepare(more, "sales_30d", "followed").columns["why"]
    assert why["deal_price"].startswith("filled in for one arm only")
    assert why["status"].startswith("separates the arms")
    assert why["number"] == "counts the rows, an identifier"
    assert why["day_text"].startswith("a date")
    assert prepare(more, "sales_30d", "followed").columns.loc["tags", "role"] == "covariate"
    with pytest.raises(ValueError, match="column 'size' more than once"):
        prepare(pd.concat([table, table[["size"]]], axis=1), "sales_30d", "followed")
    assert prepare(table.rename(columns={"size": 5}), "sales_30d", "followed").columns.loc["5", "role"] == "covariate"


def test_decimal_commas_are_no_thousands(tmp_path, table):
    text = table.assign(price=[f"{v:.2f}".replace(".", ",") for v in table["ratio"].replace(np.inf, 1.0)])
    assert prepare(text, "sales_30d", "followed").columns.loc["price", "why"] != "numbers stored as text"
    table.to_csv(tmp_path / "d.csv", sep=";", decimal=",", index=False)
    assert read_table(tmp_path / "d.csv", decimal=",")["size"].dtype == float


def test_what_a_person_knows_overrules_arithmetic(table):
    found = prepare(table, "sales_30d", "followed", keep=["clicks_30d"], exclude=["size"])
    assert "clicks_30d" in found.data.covariates
    assert found.left_out.loc["size", "why"] == "as asked"
    assert found.left_out.loc["same_size", "why"] == "a copy of size"  # what is excluded is not let in by another name
    with pytest.raises(ValueError, match="'size' is to be kept and excluded"):
        prepare(table, "sales_30d", "followed", keep=["size"], exclude=["size"])


def test_rows_that_nothing_can_be_said_of_are_dropped_and_counted(table):
    table.loc[:9, "sales_30d"] = np.nan
    table.loc[5:14, "followed"] = np.nan
    found = prepare(table, "sales_30d", "followed", treated=1.0)
    n = int((table.loc[:9, "followed"] == 1).sum())
    assert found.data.n_rows == 385
    assert found.rows == (
        f"10 rows without outcome (sales_30d) ({n} of the treated, {10 - n} of the others) are dropped.",
        "10 rows without treatment (followed) are dropped.",
    )


def test_a_column_that_is_not_there_is_named(table):
    for options, role in (
        ({"exclude": ["sise"]}, "excluded"),
        ({"keep": ["sise"]}, "kept"),
        ({"cluster": "sise"}, "cluster"),
    ):
        with pytest.raises(ValueError, match=f"The {role} column 'sise' is not in the table; it has 'sales_30d'"):
            prepare(table, "sales_30d", "followed", **options)


def test_ten_thousand_columns_of_text_are_one_sentence(table):
    text = pd.DataFrame({f"text_{i}": [f"{i}-{j}" for j in range(400)] for i in range(1_000)})
    wide = pd.concat([table[["sales_30d", "followed"]], text], axis=1)
    with pytest.raises(
        ValueError, match=r"No column is left that could be a covariate; of 1,002 columns 1,000 are left"
    ):
        prepare(wide, "sales_30d", "followed")


def test_rows_are_chosen_by_a_condition(table):
    assert len(rows_of(table, None)) == len(table)
    assert (rows_of(table, "region == 'north'")["region"] == "north").all()
    with pytest.raises(ValueError, match="cannot be read"):
        rows_of(table, "region =")
    with pytest.raises(ValueError, match="No row meets the condition"):
        rows_of(table, "region == 'east'")
