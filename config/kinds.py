"""The one dict of kinds of work; `runs` reaches it by the setting RUN_KINDS."""

from curation.contamination import opinions, solving
from curation.scores import rubric_lab, scoring, trying
from dialogues import building
from runs.kinds import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (scoring.KIND, trying.KIND, rubric_lab.KIND, opinions.KIND, solving.KIND, *building.KINDS)
}
