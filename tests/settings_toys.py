"""The settings with the toy kinds of the tests, for processes: DJANGO_SETTINGS_MODULE=tests.settings_toys."""

import runpy
from pathlib import Path

# Run and not imported: its package makes the Celery application, which reads settings that are not there yet.
_PROGRAM = runpy.run_path(str(Path(__file__).resolve().parent.parent / "config" / "settings.py"))
globals().update({name: value for name, value in _PROGRAM.items() if name.isupper()})

RUN_KINDS = "tests.toy_kinds.KINDS"
