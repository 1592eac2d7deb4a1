"""What is just being taken out of the pool: who would hold texts of it, or miss that they go, waits for its end."""

from curation.inserting import take_turn
from curation.models import Source


def going_out() -> str:
    """Which source is being withdrawn, and what can be done; empty when none is.

    Call it in the transaction that notes what is to begin: a withdrawal looks for such notes in a turn of its own.
    """
    take_turn()
    source = Source.objects.exclude(withdrawn_at=None).first()
    if source is None:
        return ""
    return f"source {source} is being withdrawn; wait until that has ended, or let it go on where it stopped"
