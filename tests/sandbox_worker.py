"""A worker that runs programs for a test: one job as a line of JSON in, its result as a line of JSON out.

Run as a script beside a copy of the package, as whichever user the test wants.
"""

import dataclasses
import json
import sys
import time

import sandbox
from sandbox import bubblewrap
from sandbox.jobs import make_job
from sandbox.judging import judged
from sandbox.languages import LANGUAGES
from sandbox.walls import ALL_WALLS, Wall


def carried_out(job):
    limits = sandbox.Limits(**job["limits"])
    code, language, stdin = job["code"], job.get("language", "python"), job.get("stdin", "").encode()
    if "without" not in job:
        return sandbox.run(code, language, stdin=stdin, limits=limits)
    standing = ALL_WALLS - {Wall(name) for name in job["without"]}
    made = make_job(code, LANGUAGES[language], "", stdin=stdin, files=(), limits=limits)
    return judged(bubblewrap.start(made, sandbox.probe("bubblewrap").variation, standing), made, "weakened")


for line in sys.stdin:
    begun = time.monotonic()
    result = carried_out(json.loads(line))
    print(json.dumps([dataclasses.asdict(result), time.monotonic() - begun]), flush=True)
