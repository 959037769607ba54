from . import (
    archive as archive,
    boosting as boosting,
    cards as cards,
    cate as cate,
    cate_choice as cate_choice,
    check as check,
    crossfitting as crossfitting,
    data as data,
    datasets as datasets,
    diagnostics as diagnostics,
    dial as dial,
    display as display,
    effects as effects,
    estimate as estimate,
    estimates as estimates,
    folds as folds,
    groups as groups,
    handover as handover,
    learners as learners,
    marketplace as marketplace,
    monitoring as monitoring,
    naive as naive,
    nuisance as nuisance,
    overlap as overlap,
    partitions as partitions,
    plots as plots,
    policy as policy,
    prose as prose,
    report as report,
    results as results,
    roles as roles,
    scoreboard as scoreboard,
    sensitivity as sensitivity,
    storage as storage,
    studies as studies,
    support as support,
    tables as tables,
    truth as truth,
    validation as validation,
    weighting as weighting,
    wording as wording,
    words as words,
    workshop as workshop,
)
from .cate import CateModel as CateModel, estimate_cate as estimate_cate
from .cate_choice import choose_cate as choose_cate
from .crossfitting import cross_fit as cross_fit
from .data import CausalData as CausalData
from .datasets import load_sellers as load_sellers
from .datasets import load_sellers_comparisons as load_sellers_comparisons
from .datasets import load_sellers_nuisances as load_sellers_nuisances
from .display import show as show
from .effects import (
    estimate_atc as estimate_atc,
    estimate_ate as estimate_ate,
    estimate_att as estimate_att,
    estimate_gate as estimate_gate,
    estimate_late as estimate_late,
    estimate_percent as estimate_percent,
    estimate_plr as estimate_plr,
)
from .estimate import Estimate as Estimate, from_influence as from_influence
from .estimates import Estimates as Estimates
from .marketplace import SellerSample as SellerSample, simulate_sellers as simulate_sellers
from .nuisance import Nuisances as Nuisances, load_nuisances as load_nuisances
from .overlap import estimate_trimmed as estimate_trimmed
from .prose import glue as glue
from .results import load_acic as load_acic
from .results import load_arena as load_arena
from .results import load_cards as load_cards
from .results import load_cate_markets as load_cate_markets
from .results import load_checks as load_checks
from .results import load_cluster_memory as load_cluster_memory
from .results import load_known_studies as load_known_studies
from .results import load_learner_comparison as load_learner_comparison
from .results import load_monitoring as load_monitoring
from .results import load_recommendations as load_recommendations
from .studies import Study as Study, study as study
from .truth import Truth as Truth

__version__: str
