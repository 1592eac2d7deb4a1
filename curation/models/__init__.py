"""The tables of the first half of the way, by idea."""

from curation.models.benchmarks import Benchmark, BenchmarkTask, ContaminationHit, ContaminationPass, Opinion, Tier
from curation.models.counts import ExpectedCount, LineCount, QueryCount, RatingCount
from curation.models.intake import HeldByFiles, ImportBatch, RejectedRecord, Sighting, Source
from curation.models.judging import AnswerOrder, Calibration, Judge, Link, Score, ScoreState, Template
from curation.models.neighbours import (
    MERGED,
    ClusterKind,
    ClusterMember,
    CompareBy,
    Distinction,
    DuplicateCluster,
    DuplicatePass,
    Vector,
)
from curation.models.passes import LanguagePass, RulePass
from curation.models.pool_passes import PoolPass
from curation.models.problems import Problem, Solution, Verified
from curation.models.queries import Contamination, Decision, Query, Scoring, Stage
from curation.models.samples import AuditSample, Guidelines, SampledQuery, Stratum
from curation.models.uploads import Upload, uploads_folder
from curation.models.verdicts import Verdict, WhoWasRight

__all__ = [
    "MERGED",
    "AnswerOrder",
    "AuditSample",
    "Benchmark",
    "BenchmarkTask",
    "Calibration",
    "ClusterKind",
    "ClusterMember",
    "CompareBy",
    "Contamination",
    "ContaminationHit",
    "ContaminationPass",
    "Decision",
    "Distinction",
    "DuplicateCluster",
    "DuplicatePass",
    "ExpectedCount",
    "Guidelines",
    "HeldByFiles",
    "ImportBatch",
    "Judge",
    "LanguagePass",
    "LineCount",
    "Link",
    "Opinion",
    "PoolPass",
    "Problem",
    "Query",
    "QueryCount",
    "RatingCount",
    "RejectedRecord",
    "RulePass",
    "SampledQuery",
    "Score",
    "ScoreState",
    "Scoring",
    "Sighting",
    "Solution",
    "Source",
    "Stage",
    "Stratum",
    "Template",
    "Tier",
    "Upload",
    "Vector",
    "Verdict",
    "Verified",
    "WhoWasRight",
    "uploads_folder",
]
