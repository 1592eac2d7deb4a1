"""The one dict of kinds of work; `runs` reaches it by the setting RUN_KINDS."""

KINDS: dict[str, object] = {}
