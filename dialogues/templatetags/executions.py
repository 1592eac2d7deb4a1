"""What a page says wherever it shows a run of a program."""

from django import template
from django.utils.safestring import SafeString

import sandbox
from runs.models import Execution
from web.templatetags.pages import badge

register = template.Library()


@register.filter
def isolation(execution: Execution | None) -> SafeString:
    """The label of a run that had less around it than bubblewrap gives; nothing for every other."""
    if execution is None or not sandbox.is_reduced(execution.backend):
        return SafeString()
    return badge("reduced_isolation")
