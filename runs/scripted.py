"""Which models are scripted demo models, so that every page that shows their output can say so."""

from django.conf import settings

from llm.catalog import load_catalog
from llm.entries import CatalogError
from web.counts import kept_for_a_while


def scripted_models() -> frozenset[str]:
    """Slugs of the models on scripted endpoints; none while the models file cannot be read."""
    return kept_for_a_while("scripted-models", _scripted)


def _scripted() -> frozenset[str]:
    try:
        models = load_catalog(settings.MODELS_FILE).models
    except CatalogError:
        # What is wrong with the file is said on the start page and by every command that asks a model.
        return frozenset()
    return frozenset(slug for slug, model in models.items() if model.endpoint.scripted)
