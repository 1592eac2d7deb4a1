"""How a state looks wherever it is shown: its words and its tone (good, warning, bad, accent, neutral)."""

TONES = {
    "kept": "good",
    "keep": "good",
    "approved": "good",
    "done": "good",
    "ok": "good",
    "passed": "good",
    "taken": "good",
    "cleared": "good",
    "disputed": "warning",
    "set_aside": "warning",
    "suspect": "warning",
    "unreadable": "warning",
    "refused": "warning",
    "needs_work": "warning",
    "stale": "warning",
    "paused": "warning",
    "pausing": "warning",
    "cancelling": "warning",
    "over_budget": "warning",
    "skipped": "warning",
    "timeout": "warning",
    "output_limit": "warning",
    "reduced_isolation": "warning",
    "out_of_memory": "warning",
    "unknown": "warning",
    "stopped": "warning",
    "withdrawn": "warning",
    "rejected": "bad",
    "failed": "bad",
    "error": "bad",
    "compile_error": "bad",
    "signal": "bad",
    "sandbox_error": "bad",
    "scored": "accent",
    "in_review": "accent",
    "running": "accent",
    "leased": "accent",
    "sending": "accent",
}

# Two states whose stored name is not the word people use.
WORDS = {"leased": "in work", "ok": "ran clean"}


def tone_of(state: str) -> str:
    """The tone of a state; what says neither good nor bad is neutral."""
    return TONES.get(state, "neutral")


def words_of_state(state: str) -> str:
    """The state as people read it, the same on every page."""
    return WORDS.get(state, state.replace("_", " "))
