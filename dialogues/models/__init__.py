"""The tables of the second half of the way, by idea."""

from dialogues.models.dialogues import AuthorKind, Dialogue, Method, Role, Seed, State, Turn, TurnKind
from dialogues.models.exports import Export, Version
from dialogues.models.reviews import Branch, Comment, Review, Revision
from dialogues.models.withdrawals import Withdrawal

__all__ = [
    "AuthorKind",
    "Branch",
    "Comment",
    "Dialogue",
    "Export",
    "Method",
    "Review",
    "Revision",
    "Role",
    "Seed",
    "State",
    "Turn",
    "TurnKind",
    "Version",
    "Withdrawal",
]
