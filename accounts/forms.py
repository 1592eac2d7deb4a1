"""The forms of a person's own settings."""

from typing import Any

from django import forms

from accounts.models import User
from accounts.zones import zone_names


class PreferencesForm(forms.ModelForm):
    """How pages look and behave for one person."""

    time_zone = forms.ChoiceField(label="Time zone", help_text="Times on all pages are shown in this zone.")

    class Meta:
        model = User
        fields = ["theme", "keys_enabled", "time_zone"]
        widgets = {"theme": forms.RadioSelect}
        labels = {"theme": "Light or dark"}
        help_texts = {"keys_enabled": "One key for each decision at the desk. They rest while you type."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = forms.ChoiceField(choices=[(name, name.replace("_", " ")) for name in sorted(zone_names())])
        self.fields["time_zone"].choices = zones.choices  # type: ignore[attr-defined]  # read when the form is made
