"""Which models there are: reads models.toml, checks all of it before anything is sent, and finds the model of a role.

Every error is one line that names the file, the entry and the remedy.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from llm.entries import CatalogError, Entry
from llm.prices import Price

__all__ = ["ROLES", "Catalog", "CatalogError", "Endpoint", "Model", "api_key", "load_catalog"]

Thing = TypeVar("Thing")
ROLES = ("scorer", "drafter", "refiner", "critic", "saboteur", "explainer", "interpreter")
# Above it something else was meant, and no column holds what a call would cost.
DEAREST_USD = 1_000_000.0
RESERVED = frozenset(["model", "messages", "temperature", "max_tokens", "stream", "n", "response_format", "logprobs"])


@dataclass(frozen=True)
class Endpoint:
    """One server that speaks the chat-completions protocol."""

    name: str
    base_url: str
    key_env: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    # None: the program finds the pace by itself.
    concurrency: int | None = None
    timeout_s: float = 120.0
    scripted: bool = False
    supports_schema: bool = False
    supports_logprobs: bool = False
    path: Path = field(default=Path("models.toml"), compare=False)

    @property
    def entry(self) -> str:
        """Where it is written, for messages."""
        return f"{self.path}: [endpoints.{self.name}]"


@dataclass(frozen=True)
class Model:
    """A model on an endpoint, with the sampling it is asked with."""

    slug: str
    endpoint: Endpoint
    name: str
    temperature: float = 0.0
    max_tokens: int = 2048
    input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    top_p: float | None = None
    seed: int | None = None
    # Some servers call the limit max_completion_tokens and refuse the older name.
    max_tokens_field: str = "max_tokens"
    extra_body: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        """What a call of this size costs; None when models.toml names no price."""
        if self.input_usd_per_million is None or self.output_usd_per_million is None:
            return None
        price = Price(Decimal(str(self.input_usd_per_million)), Decimal(str(self.output_usd_per_million)))
        return price.of(prompt_tokens, completion_tokens)

    def sampling(self) -> dict[str, Any]:
        """The request fields that shape an answer, as they go over the wire and into the key of a call."""
        chosen = {"temperature": self.temperature, self.max_tokens_field: self.max_tokens}
        optional = {"top_p": self.top_p, "seed": self.seed}
        return chosen | {name: value for name, value in optional.items() if value is not None} | dict(self.extra_body)


@dataclass(frozen=True)
class Catalog:
    """Everything models.toml says."""

    endpoints: Mapping[str, Endpoint]
    models: Mapping[str, Model]
    roles: Mapping[str, Model]
    path: Path = Path("models.toml")

    def model_called(self, name: str) -> Model:
        """A model by its name in [models], or `name@temperature`: the same asked at another temperature."""
        slug, at, warmth = name.rpartition("@")
        if name in self.models or not at:
            return _named(self.models, name, "model", f"{self.path} [models]")
        model = _named(self.models, slug, f"model {name}", f"{self.path} [models]")
        temperature = _temperature(warmth, name)
        return model if temperature == model.temperature else replace(model, temperature=temperature)

    def model_for(self, role: str, chosen: str | None = None) -> Model:
        """The model that plays a role, or the one that is chosen in its place."""
        if chosen is not None:
            return self.model_called(chosen)
        _check_role(role, f"{self.path}: [roles]")
        if role not in self.roles:
            raise CatalogError(
                f'{self.path}: [roles] names no model for {role}; add {role} = "…" with a name of [models]'
            )
        return self.roles[role]

    def with_overrides(self, overrides: Mapping[str, str]) -> "Catalog":
        """The same catalog with some roles played by other models, as `--model scorer=qwen` asks."""
        chosen = dict(self.roles)
        for role, slug in overrides.items():
            where = f"--model {role}={slug}"
            _check_role(role, where)
            chosen[role] = _named(self.models, slug, where, f"{self.path} [models]")
        return replace(self, roles=chosen)


def load_catalog(path: Path) -> Catalog:
    """Read and check models.toml."""
    tables = _read(path)
    for name in tables:
        if name not in ("endpoints", "models", "roles"):
            raise CatalogError(
                f"{path}: unknown table [{name}]; the tables are [endpoints.NAME], [models.NAME] and [roles]"
            )
    endpoints = {entry.name: _endpoint(entry) for entry in Entry.all_of(path, "endpoints", tables)}
    models = {entry.name: _model(entry, endpoints) for entry in Entry.all_of(path, "models", tables)}
    return Catalog(endpoints, models, _roles(path, tables.get("roles", {}), models), path)


def api_key(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """The endpoint's key from the environment; empty when it needs none."""
    if endpoint.key_env is None:
        return ""
    if not (key := environ.get(endpoint.key_env, "").strip()):
        raise CatalogError(
            f"{endpoint.entry} key_env: the environment variable {endpoint.key_env} is not set; "
            f"put the key of {endpoint.base_url} into it"
        )
    # It goes into a header line, and no message may show what it is.
    if not (key.isascii() and key.isprintable()):
        raise CatalogError(
            f"{endpoint.entry} key_env: the environment variable {endpoint.key_env} holds a character that no key has "
            "(a line break, a letter beyond ASCII); put the key into it again"
        )
    return key


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogError(f"{path}: no such file; copy models.toml of the project or set MODELS_FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: cannot be read ({error}); it has to be a readable UTF-8 text file") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{path}: not valid TOML: {error}; correct that line") from None
    except RecursionError:
        raise CatalogError(f"{path}: not valid TOML: brackets within brackets without end; correct that line") from None


def _endpoint(entry: Entry) -> Endpoint:
    endpoint = Endpoint(
        name=entry.name,
        base_url=entry.url("base_url"),
        key_env=entry.variable("key_env"),
        requests_per_minute=entry.whole("requests_per_minute", None, least=1),
        tokens_per_minute=entry.whole("tokens_per_minute", None, least=1),
        concurrency=entry.whole("concurrency", None, least=1),
        timeout_s=entry.number("timeout_s", Endpoint.timeout_s, least=0.1),
        scripted=entry.flag("scripted"),
        supports_schema=entry.flag("supports_schema"),
        supports_logprobs=entry.flag("supports_logprobs"),
        path=entry.path,
    )
    entry.refuse_unknown()
    return endpoint


def _model(entry: Entry, endpoints: Mapping[str, Endpoint]) -> Model:
    where = f"{entry.path}: [models.{entry.name}] endpoint"
    model = Model(
        slug=entry.name,
        endpoint=_named(endpoints, entry.text("endpoint"), where, "[endpoints]"),
        name=entry.text("name", entry.name),
        temperature=entry.number("temperature", Model.temperature, least=0),
        max_tokens=entry.whole("max_tokens", Model.max_tokens, least=1),
        input_usd_per_million=entry.number("input_usd_per_million", None, least=0, most=DEAREST_USD),
        output_usd_per_million=entry.number("output_usd_per_million", None, least=0, most=DEAREST_USD),
        top_p=entry.number("top_p", None, least=0),
        seed=entry.whole("seed", None, least=0),
        max_tokens_field=entry.text("max_tokens_field", Model.max_tokens_field),
        extra_body=entry.json_table("extra_body"),
    )
    entry.refuse_unknown()
    if (model.input_usd_per_million is None) != (model.output_usd_per_million is None):
        raise entry.error("has one price of two", "give input_usd_per_million and output_usd_per_million, or neither")
    if clash := RESERVED & model.extra_body.keys():
        raise entry.error(f"extra_body holds {', '.join(sorted(clash))}", "the program sets these fields itself")
    if model.max_tokens_field in RESERVED - {Model.max_tokens_field}:
        raise entry.error(
            f"max_tokens_field = {model.max_tokens_field!r} is the name of another field",
            'write "max_tokens" or "max_completion_tokens"',
        )
    return model


def _roles(path: Path, table: object, models: Mapping[str, Model]) -> dict[str, Model]:
    if not isinstance(table, dict):
        raise CatalogError(f'{path}: roles is not a table; write [roles] and under it scorer = "…"')
    chosen = {}
    for role, slug in table.items():
        _check_role(role, f"{path}: [roles]")
        chosen[role] = _named(models, slug, f"{path}: [roles] {role}", "[models]")
    return chosen


def _check_role(role: str, where: str) -> None:
    if role not in ROLES:
        raise CatalogError(f"{where}: unknown role {role!r}; the roles are {', '.join(ROLES)}")


def _temperature(text: str, where: str) -> float:
    try:
        temperature = float(text)
    except ValueError:
        temperature = -1.0
    if not 0 <= temperature <= 2:
        raise CatalogError(f"model {where}: the temperature {text!r} is no number from 0 to 2")
    return temperature


def _named(things: Mapping[str, Thing], name: object, where: str, shelf: str) -> Thing:
    if isinstance(name, str) and name in things:
        return things[name]
    guess = get_close_matches(str(name), things, n=1)
    remedy = f"did you mean {guess[0]!r}?" if guess else f"there are: {', '.join(things) or 'none'}"
    raise CatalogError(f"{where}: {name!r} is not among {shelf}; {remedy}")
