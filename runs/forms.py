"""The forms of runs: how much, how dear and by which models; and the budget alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from llm.catalog import Catalog, Model, load_catalog

BUDGET: dict[str, Any] = {
    "label": "Budget in US dollars",
    "min_value": Decimal(0),
    "max_digits": 14,
    "decimal_places": 6,
    "required": False,
}


class BudgetForm(forms.Form):
    """The most a run may spend; empty: no limit."""

    budget = forms.DecimalField(**BUDGET)


class RunForm(forms.Form):
    """What every run is asked for. CatalogError while the models file cannot be read."""

    limit = forms.IntegerField(min_value=1, required=False)
    budget = forms.DecimalField(help_text="The run stops before it spends more. Empty: no limit.", **BUDGET)
    draw = forms.IntegerField(
        min_value=0,
        initial=0,
        required=False,
        help_text="Another number asks a sampled model (temperature above 0) again for what it has answered before.",
    )

    # The roles whose models a person chooses; each room's form names its own.
    roles: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.catalog = load_catalog(settings.MODELS_FILE)
        for role in self.roles:
            self.fields[f"model_{role}"] = _model_field(role, self.catalog)

    def clean_draw(self) -> int:
        return self.cleaned_data["draw"] or 0

    def chosen_models(self, roles: Sequence[str]) -> dict[str, Model]:
        """The model of each of these roles."""
        return {role: self.catalog.models[self.cleaned_data[f"model_{role}"]] for role in roles}

    @property
    def model_fields(self) -> list[forms.BoundField]:
        """The fields of the models, for the template."""
        return [self[f"model_{role}"] for role in self.roles]


def _model_field(role: str, catalog: Catalog) -> forms.ChoiceField:
    usual = catalog.roles.get(role)
    return forms.ChoiceField(
        label=f"{role.capitalize()} model",
        choices=[(slug, _words_for(model)) for slug, model in catalog.models.items()],
        initial=usual.slug if usual else None,
        help_text="Prices per million tokens.",
    )


def _words_for(model: Model) -> str:
    if model.input_usd_per_million is None:
        return f"{model.slug}, no price known"
    return f"{model.slug}, ${model.input_usd_per_million:g} in, ${model.output_usd_per_million:g} out"
