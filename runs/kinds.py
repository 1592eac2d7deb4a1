"""What a kind of work brings to the engine: how to plan items, run one step, save its outcome, estimate its price."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from llm.catalog import Catalog, Model

if TYPE_CHECKING:
    from accounts.models import User
    from runs.models import Run, WorkItem

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said: text, why it stopped, and the ledger row that paid for it."""

    text: str
    finish_reason: str
    call_id: int
    refused: bool = False
    logprobs: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Executed:
    """What a program did in the sandbox, and the remembered row. Mirrors runs.models.Execution."""

    execution_id: int
    status: str
    stdout: str
    stderr: str
    exit_code: int | None
    truncated: bool
    wall_s: float

    @property
    def ran_clean(self) -> bool:
        return self.status == "ok"


class Ask(Protocol):
    """Ask a model in a role. The ledger answers what was asked before, free; the same question has one answer.

    `sample` names another draw of the same question (a reminder is sample=1), never a call counter. `model` names
    one to ask in place of the role's, as `slug` or `slug@temperature`.
    """

    async def __call__(
        self,
        role: str,
        messages: Sequence[Message],
        *,
        sample: int = 0,
        schema: Mapping[str, Any] | None = None,
        logprobs: bool = False,
        model: str | None = None,
    ) -> Answer: ...


class Execute(Protocol):
    """Run a program in the sandbox; the same program under the same limits is run once."""

    async def __call__(self, code: str, language: str = "python") -> Executed: ...


class Skipped(Exception):
    """Raised by a step whose item cannot be done, and says why; not a failure."""


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One item of a run: a key unique in its run, and all the step needs to know, as JSON."""

    key: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A question a step is sure to ask, so that a run can be priced before it starts."""

    role: str
    messages: Sequence[Message]
    sample: int = 0
    schema: Mapping[str, Any] | None = None
    logprobs: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one item will ask at least, and how many calls of expected size beyond that (by role)."""

    questions: Sequence[Question]
    further_calls: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """An item whose step has come to its end, and what came of it."""

    item: "WorkItem"
    outcome: Any


@dataclass(frozen=True, slots=True)
class StartPage:
    """Where a person asks for such a run: the name of the address, and the words of the link to it."""

    address: str
    words: str


def nothing_further(run: "Run", by: "User | None") -> None:
    """Starting a run of most kinds changes nothing besides."""


@dataclass(frozen=True)
class Kind:
    """One kind of work.

    plan(run): yields the items, lazily; deterministic for the run's parameters.
    step(payload, ask, execute): a coroutine that may be run again from the top; returns an outcome for `save`.
    save(finished): writes outcomes, several at once; called inside the transaction that marks their items done. When
        one of them cannot be written it is called again for each alone, so that only that one fails.
    estimate(payload): what the item will ask.
    begin(run, by): what else changes when a page starts such a run, within that transaction.
    report_page: the name of the address, given the run's number, that shows what came of it as a whole.
    """

    name: str
    title: str
    plan: Callable[["Run"], Iterable[PlannedItem]]
    step: Callable[[dict[str, Any], Ask, Execute], Awaitable[Any]]
    save: Callable[[Sequence[Finished]], None]
    estimate: Callable[[dict[str, Any]], Estimate]
    roles: tuple[str, ...] = ()
    start_page: StartPage | None = None
    begin: Callable[["Run", "User | None"], None] = nothing_further
    report_page: str = ""


class UnknownKind(LookupError):
    """No kind of work has that name."""


def kind_named(name: str) -> Kind:
    """The kind of that name from the registry that the setting RUN_KINDS names."""
    kinds = all_kinds()
    if name not in kinds:
        raise UnknownKind(f"no kind of work is called {name!r}; known: {', '.join(sorted(kinds))}")
    return kinds[name]


def models_asked(kind: Kind | None, parameters: Mapping[str, Any], catalog: Catalog) -> list[Model]:
    """The models of a run: those that play its roles, or those that its parameters name in their place."""
    if named := parameters.get("models"):
        models = [catalog.model_called(name) for name in named]
    else:
        roles = dict.fromkeys([*(kind.roles if kind else ()), *parameters.get("roles", {})])
        models = [catalog.model_for(role) for role in roles]
    return list({model.slug: model for model in models}.values())


def start_pages() -> list[StartPage]:
    """The pages on which a person asks for a run, each once."""
    pages = (kind.start_page for kind in all_kinds().values())
    return list(dict.fromkeys(page for page in pages if page is not None))


def all_kinds() -> dict[str, Kind]:
    """Every kind of work by its name."""
    kinds: dict[str, Kind] = import_string(settings.RUN_KINDS)
    return kinds
