"""Kinds of work made for the tests of the engine. Each outcome makes a Source, whose slug may stand only once."""

import asyncio
from uuid import uuid4

from curation.models import Source
from runs.kinds import Estimate, Kind, PlannedItem, Question, Skipped


def _messages(payload):
    pad = payload.get("pad", "")
    text = f"<query>\n{payload['salt']} {payload['number']}: sort a list {pad}\n</query>"
    return [{"role": "user", "content": text}]


def _plan(run):
    for number in range(run.parameters["items"]):
        salt = run.parameters["salt"]
        yield PlannedItem(key=f"{salt}-{number}", payload={**run.parameters, "number": number})
    if run.parameters.get("plan_fails"):
        raise ValueError("the plan found no way on")


def _save(finished):
    Source.objects.bulk_create(
        Source(slug=f"{one.item.run_id}-{one.item.payload['number']}", title=str(one.outcome)[:200]) for one in finished
    )


def _save_odd_badly(finished):
    if any(one.item.payload["number"] % 2 for one in finished):
        next(iter(()))
    _save(finished)


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


async def _fails_badly(payload, ask, execute):
    raise ValueError("what the program printed: \x00 and \ud800")


async def _fails_while_asking(payload, ask, execute):
    question = asyncio.ensure_future(ask("scorer", _messages(payload)))
    await asyncio.sleep(0.1)
    raise ValueError(f"gave up while a question was {'answered' if question.done() else 'in flight'}")


async def _skips(payload, ask, execute):
    raise Skipped("nothing to do for this one")


async def _four_questions(payload, ask, execute):
    return "".join([(await ask("scorer", _messages(payload), sample=sample)).text for sample in range(4)])


async def _chain(payload, ask, execute):
    texts = await _four_questions(payload, ask, execute)
    return (await execute(f"print({payload['number']})")).stdout + texts


async def _long_chain(payload, ask, execute):
    """Eight questions, each after the answers before it, and two programs; the first four questions leave together."""
    code = f"print({payload['number']})"
    text = "".join(await asyncio.gather(*(_asked_after(payload, ask, number, "") for number in range(4))))
    text += (await execute(code)).stdout
    for number in range(4, 8):
        text += await _asked_after(payload, ask, number, text)
    return (await execute(code + f"  # {len(text)}")).stdout


async def _asked_after(payload, ask, number, text):
    said = f"step {number} after {text[-500:]}"
    return (await ask("scorer", _messages({**payload, "pad": said}))).text


async def _runs_code(payload, ask, execute):
    return (await execute(payload["code"], payload.get("language", "python"))).stdout


def _no_questions(payload):
    return Estimate(questions=[])


STEPS = {
    "once": _once,
    "twice": _twice_at_once,
    "odd_fails": _odd_fails,
    "fails_badly": _fails_badly,
    "fails_while_asking": _fails_while_asking,
    "skips": _skips,
    "four_questions": _four_questions,
    "chain": _chain,
    "long_chain": _long_chain,
}
KINDS = {
    name: Kind(name=name, title=name, plan=_plan, step=step, save=_save, estimate=_estimate, roles=("scorer",))
    for name, step in STEPS.items()
}
KINDS["saves_badly"] = Kind("saves_badly", "saves badly", _plan, _once, _save_odd_badly, _estimate, ("scorer",))
KINDS["taken_for_free"] = Kind(
    "taken_for_free", "taken for free", _plan, _four_questions, _save, _no_questions, ("scorer",)
)
KINDS["runs_code"] = Kind("runs_code", "runs code", _plan, _runs_code, _save, _no_questions)


def parameters(items, **more):
    """Parameters whose questions nobody asked before."""
    return {"items": items, "salt": uuid4().hex[:8], "roles": {}, "draw": 0, **more}
