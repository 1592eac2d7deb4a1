"""The passes of a rule and of detectors over the pool that pages asked for."""

from django.db import models
from django.urls import reverse

from curation.models.pool_passes import PoolPass, PoolPassQuerySet


class RulePass(PoolPass):
    """One decision of all queries by a rule."""

    rule = models.CharField(max_length=64)
    threshold = models.FloatField()

    objects = PoolPassQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.rule} {self.threshold}"

    def get_absolute_url(self) -> str:
        return reverse("curation:rule_pass", args=[self.pk])


class LanguagePass(PoolPass):
    """One look at the languages of all queries that nobody has looked at."""

    objects = PoolPassQuerySet.as_manager()

    def __str__(self) -> str:
        return f"search for languages {self.pk}"

    @property
    def what(self) -> str:
        """What was asked for, in few words."""
        return "what was not looked at"
