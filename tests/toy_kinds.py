"""Kinds of work made for the tests of the engine. Each outcome makes a Source, whose slug may stand only once."""

import asyncio
from uuid import uuid4

from curation.models import Source
from runs.kinds import Estimate, Kind, PlannedItem, Question, Skipped


def _messages(payload):
    return [{"role": "user", "content": f"<query>\n{payload['salt']} {payload['number']}: sort a list\n</query>"}]


def _plan(run):
    for number in range(run.parameters["items"]):
        salt = run.parameters["salt"]
        yield PlannedItem(key=f"{salt}-{number}", payload={**run.parameters, "number": number})


def _save(item, outcome):
    Source.objects.create(slug=f"{item.run_id}-{item.payload['number']}", title=str(outcome)[:200])


def _estimate(payload):
    return Estimate(questions=[Question("scorer", _messages(payload))])


async def _once(payload, ask, execute):
    return (await ask("scorer", _messages(payload))).text


async def _twice_at_once(payload, ask, execute):
    answers = await asyncio.gather(ask("scorer", _messages(payload)), ask("scorer", _messages(payload)))
    return len({answer.call_id for answer in answers})


async def _odd_fails(payload, ask, execute):
    if payload["number"] % 2 and not payload.get("mended"):
        raise ValueError(f"number {payload['number']} is odd")
    return (await ask("scorer", _messages(payload))).text


async def _skips(payload, ask, execute):
    raise Skipped("nothing to do for this one")


async def _chain(payload, ask, execute):
    texts = []
    for sample in range(4):
        texts.append((await ask("scorer", _messages(payload), sample=sample)).text)
    ran = await execute(f"print({payload['number']})")
    return ran.stdout + "".join(texts)


STEPS = {"once": _once, "twice": _twice_at_once, "odd_fails": _odd_fails, "skips": _skips, "chain": _chain}
KINDS = {
    name: Kind(name=name, title=name, plan=_plan, step=step, save=_save, estimate=_estimate, roles=("scorer",))
    for name, step in STEPS.items()
}


def parameters(items, **more):
    """Parameters whose questions nobody asked before."""
    return {"items": items, "salt": uuid4().hex[:8], "roles": {}, "draw": 0, **more}
