"""The form that says as what an uploaded file is read, and into which source."""

from typing import Any, Self

from django import forms

from curation.intake.mapping import MAPPED, REQUIRED, TARGETS, BadMapping, checked_mapping
from curation.intake.sources import AUTO
from curation.models import ImportBatch
from dialogues.filekinds import LAYOUTS, Choice

LABELS = {"text": "Query", "response": "Answer", "language": "Language", "id": "Id in its source", "tags": "Tags"}


class ReadingForm(forms.Form):
    """Kind, layout or mapping, and source. A mapping counts as soon as one of its fields is filled in."""

    holds = forms.ChoiceField(label="Holds", choices=ImportBatch.Holds.choices)
    layout = forms.ChoiceField(label="Layout")
    drop_system = forms.BooleanField(label="Leave a leading system message out", required=False)
    source = forms.CharField(
        label="Source",
        required=False,
        max_length=64,
        help_text="An existing one or a new name: letters, digits, - and _. For a benchmark, its name.",
        widget=forms.TextInput(attrs={"list": "sources", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = dict.fromkeys(name for layouts in LAYOUTS.values() for name in layouts)
        self._offer_layouts(list(every))
        for target in TARGETS:
            widget = forms.TextInput(attrs={"list": "fields-seen", "autocomplete": "off"})
            name = f"map_{target}"
            self.fields[name] = forms.CharField(label=LABELS[target], required=False, max_length=200, widget=widget)

    @classmethod
    def of(cls, choice: Choice) -> Self:
        """The form as it stands for a choice."""
        mapped = {f"map_{target}": name for target, name in choice.mapping.items()}
        return cls(
            initial={"holds": choice.holds, "layout": choice.layout, "drop_system": choice.drop_system, **mapped}
        )

    def know(self, *, holds: str) -> None:
        """Offer the layouts of this kind alone."""
        self._offer_layouts(LAYOUTS[ImportBatch.Holds(holds)])

    def clean(self) -> dict[str, Any]:
        cleaned = dict(super().clean() or {})
        mapping = {target: name for target in TARGETS if (name := cleaned.get(f"map_{target}"))}
        cleaned["mapping"] = mapping if cleaned.get("holds") == ImportBatch.Holds.QUERIES else {}
        if cleaned.get("layout") == MAPPED or (mapping and cleaned.get("layout") == AUTO):
            self._check_mapping(cleaned)
        return cleaned

    def _check_mapping(self, cleaned: dict[str, Any]) -> None:
        try:
            cleaned["mapping"] = checked_mapping(cleaned["mapping"])
        except BadMapping as bad:
            missing = [target for target in REQUIRED if target not in cleaned["mapping"]]
            self.add_error(f"map_{missing[0]}" if missing else None, str(bad))
        cleaned["layout"] = MAPPED

    def choice(self) -> Choice:
        """What was chosen. A layout of another kind is looked for anew."""
        holds, layout = self.cleaned_data["holds"], self.cleaned_data["layout"]
        known = layout in LAYOUTS[ImportBatch.Holds(holds)]
        mapping = self.cleaned_data["mapping"] if layout == MAPPED else {}
        return Choice(holds, layout if known else AUTO, mapping, drop_system=self.cleaned_data["drop_system"])

    def _offer_layouts(self, names: Any) -> None:
        layouts = [(AUTO, "told from the fields"), *((name, name.replace("_", " ")) for name in names)]
        self.fields["layout"].choices = layouts  # type: ignore[attr-defined]  # a ChoiceField
