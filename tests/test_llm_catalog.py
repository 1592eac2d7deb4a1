"""Claims about models.toml: what is read, and which line a mistake brings."""

from decimal import Decimal
from pathlib import Path

import pytest

from llm.catalog import ROLES, CatalogError, api_key, load_catalog

SMALL = """
[endpoints.house]
base_url = "https://models.example.org/v1/"
key_env = "HOUSE_KEY"
requests_per_minute = 600
[models.qwen]
endpoint = "house"
name = "Qwen/Qwen2.5"
temperature = 0.5
top_p = 0.9
seed = 7
input_usd_per_million = 0.1
output_usd_per_million = 0.4
[models.free]
endpoint = "house"
max_tokens_field = "max_completion_tokens"
[models.free.extra_body]
reasoning_effort = "low"
[roles]
scorer = "qwen"
"""


@pytest.fixture
def catalog_of(tmp_path):
    def load(text):
        path = tmp_path / "models.toml"
        path.write_text(text)
        return load_catalog(path)

    return load


def test_the_shipped_file_points_every_role_at_the_demo_server():
    catalog = load_catalog(Path(__file__).parent.parent / "models.toml")
    models = [catalog.model_for(role) for role in ROLES]
    assert [model.slug for model in models] == [f"demo-{role}" for role in ROLES]
    assert {model.endpoint.base_url for model in models} == {"http://127.0.0.1:8001/v1"}
    assert all(model.endpoint.scripted and model.endpoint.key_env is None for model in models)
    assert all(model.cost_usd(1000, 1000) for model in models)


def test_a_model_knows_its_endpoint_its_sampling_and_its_cost(catalog_of):
    model = catalog_of(SMALL).model_for("scorer")
    assert (model.slug, model.name, model.endpoint.base_url) == (
        "qwen",
        "Qwen/Qwen2.5",
        "https://models.example.org/v1",
    )
    assert (model.endpoint.requests_per_minute, model.endpoint.concurrency) == (600, None)
    assert model.sampling() == {"temperature": 0.5, "max_tokens": 2048, "top_p": 0.9, "seed": 7}
    assert model.cost_usd(1_000_000, 500_000) == Decimal("0.3")


def test_a_model_without_prices_has_no_cost(catalog_of):
    model = catalog_of(SMALL).models["free"]
    assert model.cost_usd(10, 10) is None
    assert model.sampling() == {"temperature": 0.0, "max_completion_tokens": 2048, "reasoning_effort": "low"}


def test_a_role_can_be_given_to_another_model(catalog_of):
    catalog = catalog_of(SMALL)
    assert catalog.with_overrides({"critic": "free"}).model_for("critic").slug == "free"
    assert "critic" not in catalog.roles


def test_a_key_comes_from_the_environment(catalog_of):
    endpoint = catalog_of(SMALL).endpoints["house"]
    assert api_key(endpoint, {"HOUSE_KEY": " secret\n"}) == "secret"
    with pytest.raises(CatalogError, match=r"models.toml: \[endpoints.house\] key_env: .*HOUSE_KEY is not set; put"):
        api_key(endpoint, {"HOUSE_KEY": ""})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[roles]", "[role]", r"unknown table \[role\]; the tables are"),
        (
            'scorer = "qwen"',
            'scorer = "qwem"',
            r"\[roles\] scorer: 'qwem' is not among \[models\]; did you mean 'qwen'",
        ),
        ('scorer = "qwen"', 'judge = "qwen"', r"unknown role 'judge'; the roles are scorer"),
        ('scorer = "qwen"', 'scorer = ["qwen"]', r"is not among \[models\]"),
        ('endpoint = "house"\nname', 'endpoint = "home"\nname', r"\[models.qwen\] endpoint: 'home' is not among"),
        ('endpoint = "house"\nname', "name", r"\[models.qwen\] lacks endpoint; add endpoint ="),
        ('base_url = "https://', 'base_url = "', r"\[endpoints.house\] base_url = .* is no address"),
        ('base_url = "https://', 'base_url = "https://me:pw@', r"holds a password"),
        ('base_url = "https://', 'base_url = "https://[::1', r"is no address; write it like"),
        ('models.example.org/v1/"', 'models.example.org:99999/v1"', r"is no address"),
        ('models.example.org/v1/"', 'models example.org/v1"', r"is no address"),
        (
            'base_url = "https://models.example.org/v1/"',
            "base_url = 8001",
            r"base_url = 8001 is not a text; write",
        ),
        ('key_env = "HOUSE_KEY"', 'api_key = "sk-1"', r"has api_key; no key stands in this file: write key_env"),
        ('key_env = "HOUSE_KEY"', 'key_env = "sk-1 2"', r"key_env is not the name of an environment variable"),
        ("requests_per_minute = 600", "requests_per_minut = 600", r"did you mean requests_per_minute"),
        (
            "requests_per_minute = 600",
            "requests_per_minute = 0",
            r"= 0 is out of range; write a whole number of at least 1",
        ),
        ("requests_per_minute = 600", 'scripted = "yes"', r"scripted = 'yes' is neither true nor false"),
        ("temperature = 0.5", "temperature = -1", r"temperature = -1 is out of range"),
        ("temperature = 0.5", "temperature = nan", r"temperature = nan is out of range"),
        ("temperature = 0.5", 'temperature = "warm"', r"temperature = 'warm' is out of range"),
        ("output_usd_per_million = 0.4", "", r"\[models.qwen\] has one price of two"),
        ('reasoning_effort = "low"', 'messages = "x"', r"\[models.free\] extra_body holds messages"),
        ("seed = 7", "seed = ", r"not valid TOML: .*line 11"),
        ("seed = 7", "seed = 7.5", r"\[models.qwen\] seed = 7.5 is out of range; write a whole number"),
        ('name = "Qwen/Qwen2.5"', "name = 2.5", r"\[models.qwen\] name = 2.5 is not a text; write it in quotes"),
        (
            'name = "Qwen/Qwen2.5"',
            'extra_body = "low"',
            r"extra_body = 'low' is not a table; write \[models.qwen",
        ),
        ('models.example.org/v1/"', 'models.example.org/v1?x=1"', r"is no address"),
        ('models.example.org/v1/"', 'models..example.org/v1"', r"is no address"),
        ("seed = 7", f"seed = 1{'0' * 400}", r"seed = 1000.* is out of range; .* 18 digits at most"),
        ("temperature = 0.5", f"temperature = 1{'0' * 400}", r"temperature = 1000.* is out of range"),
        (
            "output_usd_per_million = 0.4",
            "output_usd_per_million = 1e30",
            r"= 1e\+30 is out of range; .* at most 1e\+06",
        ),
        ("seed = 7", 'max_tokens_field = "messages"', r"max_tokens_field = 'messages' is the name of another field"),
        ('reasoning_effort = "low"', "since = 2024-01-01", r"extra_body cannot be written as JSON \(.*date"),
        ('reasoning_effort = "low"', "penalty = nan", r"extra_body cannot be written as JSON \(.*float"),
        ("[endpoints.house]", f"[endpoints.{'a' * 65}]", r"has a name of 65 characters; 64 are the most"),
        ("seed = 7", f"seed = {'[' * 10_000}", r"not valid TOML: brackets within brackets"),
        ("[endpoints.house]", "[endpoints]", r"endpoints.base_url is not a table; write \[endpoints.base_url\]"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_entry_and_remedy(catalog_of, old, new, message):
    assert old in SMALL
    with pytest.raises(CatalogError, match=message) as caught:
        catalog_of(SMALL.replace(old, new, 1))
    assert "models.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)


def test_a_refused_key_is_not_repeated_in_the_message(catalog_of):
    with pytest.raises(CatalogError) as caught:
        catalog_of(SMALL.replace('key_env = "HOUSE_KEY"', 'key_env = "sk-very-secret"'))
    assert "sk-very-secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-se\ncret", "sécret", "sk-\x00secret"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(catalog_of, key):
    house = catalog_of(SMALL).endpoints["house"]
    with pytest.raises(CatalogError, match=r"HOUSE_KEY holds a character that no key has .*; put the key") as caught:
        api_key(house, {"HOUSE_KEY": key})
    assert "cret" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(CatalogError, match=r"no such file; copy models.toml"):
        load_catalog(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("content", [b'[roles]\nscorer = "caf\xe9"', None])
def test_a_file_that_cannot_be_read_says_so(tmp_path, content):
    path = tmp_path / "models.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"models.toml: cannot be read .*; it has to be a readable UTF-8 text file"):
        load_catalog(path)


def test_a_role_without_a_model_and_an_unknown_one_say_so(catalog_of):
    catalog = catalog_of(SMALL)
    with pytest.raises(CatalogError, match="names no model for critic; add critic ="):
        catalog.model_for("critic")
    with pytest.raises(CatalogError, match="unknown role 'judge'"):
        catalog.model_for("judge")
    with pytest.raises(CatalogError, match=r"--model scorer=gwen: 'gwen' is not among .*did you mean 'qwen'"):
        catalog.with_overrides({"scorer": "gwen"})
