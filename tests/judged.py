"""Judges and scores for tests, without any model."""

from curation.models import Judge, Score, ScoreState
from curation.scores.judges import install_shipped_templates, newest_template
from tests.making import a_query, many_queries


def a_judge(name="complexity", *, counts=True, model="demo-scorer", **columns):
    install_shipped_templates()
    return Judge.objects.create(
        template=newest_template(name), model=model, sampling={"temperature": 0.0}, counts=counts, **columns
    )


def two_judges():
    return a_judge("complexity"), a_judge("challenge")


def score_of(query, judge, value, **columns):
    """A score that is not stored yet; None is an unreadable one."""
    state = ScoreState.UNREADABLE if value is None else ScoreState.OK
    return Score(query=query, judge=judge, value=value, state=state, **columns)


def a_score(query, judge, value, **columns):
    """A stored score; None is an unreadable one."""
    score = score_of(query, judge, value, **columns)
    score.save()
    return score


def a_scored_query(scores, **columns):
    """A query with a score by each judge of a dict; a judge that is left out has not answered."""
    query = a_query(**columns)
    for judge, value in scores.items():
        a_score(query, judge, value)
    return query


def many_scored_queries(scores):
    """A query for each of these dicts of judges and values, all stored at once."""
    queries = many_queries([{} for _ in scores])
    rows = zip(queries, scores, strict=True)
    Score.objects.bulk_create(score_of(query, judge, value) for query, given in rows for judge, value in given.items())
    return queries
