"""The review of dialogues: hand them out one at a time, approve, reject or send back, one or many."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from accounts.actions import CannotUndo, Change, record, standing_action, undo
from accounts.models import Action, Door, Skip, User
from accounts.skipping import count_put_off, put_off, put_off_by
from dialogues.drafts import broken_rules
from dialogues.models import Dialogue, Review, Revision, State, Turn, Version
from dialogues.models.dialogues import DialogueQuerySet
from dialogues.versions import write_version
from web.claims import Stale

BLOCK = 500  # rows per statement: well under SQLite's limit on parameters
SENT_BACK: dict[str, Any] = {"state": State.IN_REVIEW, "reviews_given": 0, "approved_version_id": None}
VERBS = {
    Review.Outcome.APPROVED: "approve dialogue",
    Review.Outcome.NEEDS_WORK: "ask for work on dialogue",
    Review.Outcome.REJECTED: "reject dialogue",
}
STILL_FITS = "The answer below still fits the edited feedback."


class NotReviewable(Exception):
    """The dialogue may not be approved, rejected or sent back as it stands; the message says why."""


@dataclass(frozen=True, slots=True)
class Many:
    """What a decision on many dialogues did: its action, and why some were left as they are (by dialogue id)."""

    action: Action
    refused: dict[int, str]


def reviews_for(by: User, *, at: datetime) -> DialogueQuerySet:
    """The review queue as one person meets it: without what that person has reviewed or put off."""
    return _open_to(by).exclude(put_off_by(by, subject=Skip.Subject.DIALOGUE, at=at))


def _open_to(by: User) -> DialogueQuerySet:
    """Dialogues in review that this person may review: once one went back to review, it is new to all."""
    reviewed = Exists(Review.objects.filter(dialogue=OuterRef("pk"), by=by, withdrawn=False))
    return Dialogue.objects.awaiting_review().exclude(reviewed, reviews_given__gt=0)


def take(dialogue_id: int, *, by: User, at: datetime) -> Dialogue | None:
    """Hold one dialogue by its id, or hold it longer; None when it is not in review, or not this person's to review."""
    return Dialogue.objects.get(pk=dialogue_id) if _open_to(by).claim(dialogue_id, by_id=by.pk, at=at) else None


def next_dialogue(
    *, by: User, at: datetime, after: int | None = None, only: Mapping[str, Any] | None = None
) -> Dialogue | None:
    """Claim the next dialogue for one person, oldest first; `after` starts behind an id, `only` narrows by column."""
    queue = reviews_for(by, at=at).filter(pk__gt=after or 0, **(only or {}))
    return _claimed(queue, by=by, at=at)


def previous_dialogue(*, by: User, at: datetime, before: int, only: Mapping[str, Any] | None = None) -> Dialogue | None:
    """Claim the dialogue that stands before an id in the queue."""
    queue = reviews_for(by, at=at).filter(pk__lt=before, **(only or {})).order_by("-pk")
    return _claimed(queue, by=by, at=at)


def _claimed(queue: DialogueQuerySet, *, by: User, at: datetime) -> Dialogue | None:
    pk = queue.claim_first(by_id=by.pk, at=at)
    return None if pk is None else Dialogue.objects.get(pk=pk)


def approve(dialogue_id: int, *, version: int, by: User, still_fits: bool = False, note: str = "") -> Version | None:
    """Approve a held dialogue and freeze its messages; None while it wants the word of further reviewers.

    Raises Stale when version or claim no longer fit, NotReviewable while a rule is broken or a turn is stale;
    `still_fits` is the reviewer's word that stale answers fit, and is kept with the review.
    """
    with transaction.atomic():
        dialogue = Dialogue.objects.select_for_update().get(pk=dialogue_id)
        given = dialogue.reviews_given + 1
        enough = given >= dialogue.reviews_wanted
        frozen = write_version(dialogue, by=by) if enough else None
        after: dict[str, Any] = {"reviews_given": given}
        if frozen is not None:
            after |= {"state": State.APPROVED, "approved_version_id": frozen.pk}
        _decide_held(dialogue, version=version, by=by, after=after)
        turns = list(dialogue.turns.all())
        _refuse_broken(turns, still_fits=still_fits)
        fitting = _no_longer_stale(turns)
        reason = "\n".join(filter(None, [STILL_FITS if fitting else "", note]))
        review = _reviewed(dialogue, Review.Outcome.APPROVED, by=by, reason=reason)
        record(VERBS[Review.Outcome.APPROVED], [_change(dialogue, after), review, *fitting], by=by, note=reason)
        return frozen


def reject(dialogue_id: int, *, version: int, reason: str, by: User) -> None:
    """Reject a held dialogue, saying why."""
    _turn_down(dialogue_id, Review.Outcome.REJECTED, State.REJECTED, version=version, reason=reason, by=by)


def needs_work(dialogue_id: int, *, version: int, reason: str, by: User) -> None:
    """Say what a held dialogue lacks; it waits until someone sends it back to review."""
    _turn_down(dialogue_id, Review.Outcome.NEEDS_WORK, State.NEEDS_WORK, version=version, reason=reason, by=by)


def _turn_down(dialogue_id: int, outcome: Review.Outcome, state: State, *, version: int, reason: str, by: User) -> None:
    if not reason.strip():
        raise NotReviewable(f"say why: a dialogue is not marked {outcome.label} without a reason")
    with transaction.atomic():
        dialogue = Dialogue.objects.select_for_update().get(pk=dialogue_id)
        after = {"state": state, "reviews_given": dialogue.reviews_given + 1}
        _decide_held(dialogue, version=version, by=by, after=after)
        review = _reviewed(dialogue, outcome, by=by, reason=reason.strip())
        record(VERBS[outcome], [_change(dialogue, after), review], by=by, note=reason.strip())


def back_to_review(dialogue_id: int, *, version: int, by: User, reason: str = "") -> None:
    """Put a dialogue that was decided, or is still a draft, back into the queue. Its versions stay as they are."""
    with transaction.atomic():
        dialogue = Dialogue.objects.select_for_update().get(pk=dialogue_id)
        if dialogue.state == State.IN_REVIEW:
            raise NotReviewable(f"{dialogue} is in review already")
        if dialogue.state == State.WITHDRAWN:
            raise NotReviewable(f"{dialogue} was withdrawn with its source and stays only for the record")
        if not Dialogue.objects.filter(pk=dialogue_id, version=version).update(version=F("version") + 1, **SENT_BACK):
            raise Stale(dialogue)
        record("send dialogue back to review", [_change(dialogue, SENT_BACK)], by=by, note=reason)


def withdraw_review(dialogue_id: int, *, by: User) -> Action:
    """Undo one's own last review: the dialogue stands as before it. Raises CannotUndo when it changed since."""
    standing = Review.objects.filter(dialogue=dialogue_id, by=by, withdrawn=False).order_by("-pk").first()
    if standing is None:
        raise CannotUndo(f"{by} has no standing review of dialogue {dialogue_id}")
    return undo(standing_action(standing, VERBS[Review.Outcome(standing.outcome)]), by=by)


def skip(dialogue: Dialogue, *, by: User, at: datetime, until: datetime) -> Action:
    """Put a dialogue off for one person and give it back to the others."""
    return put_off(Dialogue.objects.all(), dialogue.pk, subject=Skip.Subject.DIALOGUE, by=by, at=at, until=until)


def count_skipped(by: User, *, at: datetime) -> int:
    """How many dialogues that still wait for this person were put off."""
    return count_put_off(_open_to(by), subject=Skip.Subject.DIALOGUE, by=by, at=at)


def approve_many(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Many:
    """Approve dialogues, whoever holds them; those that break a rule or hold a stale turn are left and named."""
    changes: list[Change] = []
    refused: dict[int, str] = {}
    with transaction.atomic():
        for dialogue in _locked(ids, leave_out=State.APPROVED):
            try:
                _refuse_broken(list(dialogue.turns.all()), still_fits=False)
            except NotReviewable as error:
                refused[dialogue.pk] = str(error)
                continue
            frozen = write_version(dialogue, by=by)
            after = {"state": State.APPROVED, "approved_version_id": frozen.pk}
            changes += _decided(dialogue, after, Review.Outcome.APPROVED, by=by, reason=note)
        action = record("approve dialogues", changes, by=by, door=door, note=note)
    return Many(action, refused)


def reject_many(ids: Iterable[int], reason: str, *, by: User | None, door: Door) -> Many:
    """Reject dialogues for one reason, whoever holds them."""
    if not reason.strip():
        raise NotReviewable("say why: dialogues are not rejected without a reason")
    rejected = {"state": State.REJECTED, "approved_version_id": None}
    with transaction.atomic():
        changes = [
            change
            for dialogue in _locked(ids, leave_out=State.REJECTED)
            for change in _decided(dialogue, rejected, Review.Outcome.REJECTED, by=by, reason=reason.strip())
        ]
        return Many(record("reject dialogues", changes, by=by, door=door, note=reason.strip()), {})


def send_back_many(ids: Iterable[int], *, by: User | None, door: Door, note: str = "") -> Many:
    """Put dialogues back into the review queue, whoever holds them."""
    with transaction.atomic():
        changes: list[Change] = []
        for dialogue in _locked(ids, leave_out=State.IN_REVIEW):
            Dialogue.objects.filter(pk=dialogue.pk).update(version=F("version") + 1, **SENT_BACK)
            changes.append(_change(dialogue, SENT_BACK))
        return Many(record("send dialogues back to review", changes, by=by, door=door, note=note), {})


def _refuse_broken(turns: list[Turn], *, still_fits: bool) -> None:
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    if broken := broken_rules(messages):
        raise NotReviewable(f"it cannot be approved: {'; '.join(broken)}")
    stale = [turn.position for turn in turns if turn.stale]
    if stale and not still_fits:
        written = f"turn {stale[0]} was" if len(stale) == 1 else f"turns {', '.join(map(str, stale))} were"
        raise NotReviewable(
            f"it cannot be approved: {written} written before the feedback was edited; "
            "say that it still fits, or mark the dialogue as needing work"
        )


def _no_longer_stale(turns: list[Turn]) -> list[Change]:
    stale = [turn for turn in turns if turn.stale]
    Turn.objects.filter(pk__in=[turn.pk for turn in stale]).update(stale=False)
    return [Change(turn, before={"stale": True}, after={"stale": False}) for turn in stale]


def _locked(ids: Iterable[int], *, leave_out: State) -> Iterator[Dialogue]:
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), BLOCK):
        block = Dialogue.objects.filter(pk__in=wanted[start : start + BLOCK]).exclude(
            state__in=[leave_out, State.WITHDRAWN]
        )
        yield from list(block.select_for_update().prefetch_related("turns"))


def _decided(
    dialogue: Dialogue, after: dict[str, Any], outcome: Review.Outcome, *, by: User | None, reason: str
) -> list[Change]:
    """Write a bulk decision on one dialogue: no further reviewer is wanted after it."""
    after = after | {"reviews_given": dialogue.reviews_wanted}
    Dialogue.objects.filter(pk=dialogue.pk).update(version=F("version") + 1, **after)
    return [_change(dialogue, after), _reviewed(dialogue, outcome, by=by, reason=reason)]


def _decide_held(dialogue: Dialogue, *, version: int, by: User, after: dict[str, Any]) -> None:
    awaiting = Dialogue.objects.awaiting_review()
    if not awaiting.decide(dialogue.pk, version=version, by_id=by.pk, **after):
        raise Stale(dialogue)


def _reviewed(dialogue: Dialogue, outcome: Review.Outcome, *, by: User | None, reason: str) -> Change:
    edited = Revision.objects.filter(turn__dialogue=dialogue, by=by).exists() if by else False
    review = Review.objects.create(
        dialogue=dialogue, by=by, outcome=outcome, reason=reason, dialogue_version=dialogue.version, edited=edited
    )
    return Change(review, before={"withdrawn": True}, after={"withdrawn": False})


def _change(dialogue: Dialogue, after: dict[str, Any]) -> Change:
    """The columns that differ, as they were and as they will be; the version always rises."""
    before = {name: getattr(dialogue, name) for name in after} | {"version": dialogue.version}
    after = after | {"version": dialogue.version + 1}
    changed = [name for name in after if before[name] != after[name]]
    return Change(
        dialogue, before={name: before[name] for name in changed}, after={name: after[name] for name in changed}
    )
