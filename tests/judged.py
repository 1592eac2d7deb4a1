"""Judges and scores for tests, without any model."""

from curation.judges import install_shipped_templates, newest_template
from curation.models import Judge, Score, ScoreState
from tests.making import a_query


def a_judge(name="complexity", *, counts=True, model="demo-scorer", **columns):
    install_shipped_templates()
    return Judge.objects.create(
        template=newest_template(name), model=model, sampling={"temperature": 0.0}, counts=counts, **columns
    )


def two_judges():
    return a_judge("complexity"), a_judge("challenge")


def a_score(query, judge, value, **columns):
    """A score; None is an unreadable one."""
    state = ScoreState.UNREADABLE if value is None else ScoreState.OK
    return Score.objects.create(query=query, judge=judge, value=value, state=state, **columns)


def a_scored_query(scores, **columns):
    """A query with a score by each judge of a dict; a judge that is left out has not answered."""
    query = a_query(**columns)
    for judge, value in scores.items():
        a_score(query, judge, value)
    return query
