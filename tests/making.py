"""Rows and scripted answers for tests, made with as few words as possible."""

import itertools

from django.utils import timezone

from curation.models import Decision, ImportBatch, Query, Scoring, Source
from curation.texts import text_hash
from dialogues.models import AuthorKind, Dialogue, Role, Turn, TurnKind
from dialogues.versions import write_version
from runs.kinds import Answer, Executed

numbers = itertools.count(1)


def a_source(slug="sample"):
    return Source.objects.get_or_create(slug=slug)[0]


def a_batch(source=None, holds="queries"):
    return ImportBatch.objects.create(source=source or a_source(), holds=holds, file_name="sample.jsonl", state="done")


def a_query(text=None, **columns):
    """A stored query; pass any column, e.g. disputed=True or mean=4.5."""
    text = text or f"Write a function number {next(numbers)} that merges intervals."
    source = columns.pop("source", None)
    batch = columns.pop("batch", None) or a_batch(source)
    query = Query.objects.create(text=text, text_hash=text_hash(text), source=batch.source, batch=batch, **columns)
    return Query.objects.get(pk=query.pk)


def many_queries(columns):
    """A stored query for each of these dicts of columns, all at once and of one batch."""
    batch, texts = a_batch(), [f"Write a function number {next(numbers)} that merges intervals." for _ in columns]
    made = [
        Query(text=text, text_hash=text_hash(text), source=batch.source, batch=batch, **own)
        for text, own in zip(texts, columns, strict=True)
    ]
    return Query.objects.bulk_create(made)


def a_kept_query(text=None, **columns):
    """A query that the rule keeps."""
    return a_query(
        text,
        mean=4.5,
        scoring=Scoring.READABLE,
        decision=Decision.KEEP,
        decision_rule="mean_at_least 4.0",
        decided_at=timezone.now(),
        **columns,
    )


def a_dialogue(*contents, **columns):
    """A dialogue whose turns alternate, user first; the third turn is human feedback when there are four."""
    contents = contents or (
        "Write an interval merge.",
        "Here:\n\n```python\nprint([(1, 4)])\n```",
        "It is slow on long lists.",
        "Better:\n\n```python\nprint([(1, 4)])  # sorted first\n```",
    )
    dialogue = Dialogue.objects.create(method=columns.pop("method", "simulation"), title=contents[0][:200], **columns)
    for position, content in enumerate(contents):
        kind = TurnKind.ANSWER if position % 2 else (TurnKind.QUERY if position == 0 else TurnKind.FEEDBACK)
        Turn.objects.create(
            dialogue=dialogue,
            position=position,
            role=Role.ASSISTANT if position % 2 else Role.USER,
            kind=kind,
            content=content,
            original_content=content,
            author_kind=AuthorKind.MODEL,
            category="Efficiency" if kind == TurnKind.FEEDBACK else "",
        )
    return Dialogue.objects.get(pk=dialogue.pk)


def an_approved_dialogue(*contents, **columns):
    """A dialogue as an approval leaves it: with the version that an export takes."""
    dialogue = a_dialogue(*contents, state="approved", **columns)
    Dialogue.objects.filter(pk=dialogue.pk).update(approved_version=write_version(dialogue, by=None))
    return Dialogue.objects.get(pk=dialogue.pk)


class ScriptedAsk:
    """An Ask that answers with the given texts in turn and remembers what it was asked."""

    def __init__(self, *texts):
        self.texts, self.asked = list(texts), []

    async def __call__(self, role, messages, *, sample=0, schema=None, logprobs=False):
        self.asked.append((role, list(messages), sample))
        return Answer(text=self.texts.pop(0), finish_reason="stop", call_id=len(self.asked))


class ScriptedExecute:
    """An Execute that returns the given results in turn: (status, stdout, stderr)."""

    def __init__(self, *results):
        self.results, self.ran = list(results), []

    async def __call__(self, code, language="python"):
        self.ran.append(code)
        status, stdout, stderr = self.results.pop(0)
        return Executed(
            execution_id=len(self.ran),
            status=status,
            stdout=stdout,
            stderr=stderr,
            exit_code=0 if status == "ok" else 1,
            truncated=False,
            wall_s=0.1,
        )
