"""Fixtures for the whole suite: people, scripted answers, and parts of the machine that a test may need."""

import gc
import itertools
import os
import shutil
import sys
import tempfile
import zlib
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client, TransactionTestCase

from tests import browsing, making
from tests.emptying import empty_tables
from tests.migrated import (
    after_the_first,
    begin_to_migrate,
    copied_database,
    drop_database,
    migrated_file,
    shared_folder,
)
from tests.newcomer import newcomer, served  # noqa: F401 - fixtures
from tests.parts import PARTS, POOL
from tests.uploading import folder, reading, send  # noqa: F401 - fixtures

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Test processes share the cores: a second thread of the embedding model would mostly wait for the first.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config):
    """Before the test processes are started, so that they share it."""
    shared_folder()
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        begin_to_migrate()
    # Each test client begins with its own middleware; without this each would look through all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    # The program's hashing is slow on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase._fixture_teardown = lambda self: empty_tables()
    # A first example may load a dictionary or a model, and other tests are at work beside it.
    hypothesis.settings.register_profile("suite", deadline=None)
    hypothesis.settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """The first test process compiles all tests, so that the others find them compiled."""
    compiles = hasattr(session.config, "workerinput") and not sys.dont_write_bytecode
    with after_the_first("collection") if compiles else nullcontext():
        return (yield)


def pytest_collection_finish():
    """All that was collected stays: to look at it again and again is a fifth of what the tests cost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker):
    """The database of a test process is a copy of the one that the run migrates once."""
    from django.db import connection

    own = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        copy, remove = _copy_on_server() if connection.vendor == "postgresql" else _copied_file()
        connection.close()
        connection.settings_dict["NAME"] = copy
        _without_templates()
    yield
    with django_db_blocker.unblock():
        connection.close()
        remove()
        connection.settings_dict["NAME"] = own


def _without_templates():
    """A test that commits takes the templates of the migration along: all tests begin without."""
    from curation.models import Template

    Template.objects.all().delete()


def _copied_file():
    # A name of its own: the locks of imports are named after it, and all test processes share their folder.
    own = Path(tempfile.mkdtemp(prefix="tests-"))
    file = own / f"{own.name}.sqlite3"
    shutil.copy(migrated_file(), file)
    return str(file), lambda: shutil.rmtree(file.parent)


def _copy_on_server():
    url = os.environ["DATABASE_URL"]
    name = urlsplit(copied_database(url)).path.lstrip("/")
    return name, lambda: drop_database(url, name)


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for part in mark.args:
            present, why = PARTS[part]
            if present():
                continue
            if os.environ.get("REQUIRE_ALL") == "1" and part != "sample_pool":
                pytest.fail(f"REQUIRE_ALL=1, but {why}")
            pytest.skip(why)


def pytest_collection_modifyitems(config, items):
    """Tests with a site of their own or a browser come first: one that begins last leaves other test processes idle.

    On a database that is named from outside only those run that it concerns; the others have run on SQLite.
    """

    def takes_long(item):
        own = {"site", "newcomer", "chromium"} & set(item.fixturenames) or hasattr(item.module, "Site")
        # What else writes to the test database stays where pytest-django has put it.
        return bool(own) and (item.get_closest_marker("django_db") is None or "chromium" in item.fixturenames)

    def is_concerned(item):
        if item.get_closest_marker("once"):
            return os.environ.get("SOAK") == "1"
        speaks_to_it = {"db", "site"} & set(item.fixturenames) or hasattr(item.module, "Site")
        return bool(speaks_to_it) or item.get_closest_marker("django_db") is not None

    if "DATABASE_URL" in os.environ:
        config.hook.pytest_deselected(items=[item for item in items if not is_concerned(item)])
        items[:] = [item for item in items if is_concerned(item)]
    items.sort(key=takes_long, reverse=True)


@pytest.fixture(autouse=True)
def numbers_of_its_own(request, monkeypatch):
    """A test's queries have the same texts, and so the demo model's same scores, whichever tests ran before it."""
    monkeypatch.setattr(making, "numbers", itertools.count(1000 * (_own_number(request.node) % 10_000)))


def _own_number(test):
    """The same in each run: xdist adds a group's name behind an @."""
    return zlib.crc32(test.nodeid.split("@")[0].encode())


@pytest.fixture(autouse=True)
def no_kept_counts():
    """Counts on pages are kept for ten seconds; a test starts without those of the test before."""
    cache.clear()


@pytest.fixture
def pool() -> Path:
    """The folder of real data beside the checkout; mark the test with needs("sample_pool")."""
    return POOL


def _person(django_user_model, name, group):
    user = django_user_model.objects.create(username=name, password=make_password("a long enough password"))
    user.groups.add(Group.objects.get(name=group))
    return user


def _client(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def reviewer(db, django_user_model):
    return _person(django_user_model, "rita", "reviewer")


@pytest.fixture
def other_reviewer(db, django_user_model):
    return _person(django_user_model, "oskar", "reviewer")


@pytest.fixture
def curator(db, django_user_model):
    return _person(django_user_model, "carla", "curator")


@pytest.fixture
def administrator(db, django_user_model):
    user = _person(django_user_model, "adam", "administrator")
    user.is_staff = user.is_superuser = True
    user.save()
    return user


@pytest.fixture
def reviewer_client(reviewer):
    return _client(reviewer)


@pytest.fixture
def other_reviewer_client(other_reviewer):
    return _client(other_reviewer)


@pytest.fixture
def curator_client(curator):
    return _client(curator)


@pytest.fixture
def administrator_client(administrator):
    return _client(administrator)


@pytest.fixture(scope="session")
def demo_model():
    """One demo model server for the whole session (one for each test process)."""
    from tests.sites import DemoModel

    server = DemoModel()
    yield server
    server.stop()


@pytest.fixture
def models_file(demo_model, settings, tmp_path):
    """The models file points at the session's demo model server."""
    settings.MODELS_FILE = demo_model.models_file(tmp_path)
    return settings.MODELS_FILE


@pytest.fixture(scope="session", autouse=True)
def sites_read_their_own_databases(django_db_blocker):
    """A test without the mark django_db may read the database of a site that it made."""
    from tests.sites import Site

    Site.database_access = staticmethod(django_db_blocker.unblock)


@pytest.fixture
def site(tmp_path, demo_model):
    """A fresh database for real command processes."""
    from tests.sites import Site

    return Site(tmp_path, demo_model.models_file(tmp_path))


@pytest.fixture
def chromium():
    """A headless browser; mark the test with needs("chromium") and BROWSERS."""
    return browsing.the_browser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """The browser is ended before a test that needs none, because the loop that serves it runs in this thread."""
    yield
    if nextitem is None or "chromium" not in nextitem.fixturenames:
        browsing.end_browser()


@pytest.fixture
def a_tab(chromium, live_server, curator):
    """Makes a page of a curator who is logged in."""
    session, made = _client(curator).cookies[settings.SESSION_COOKIE_NAME].value, []

    def open_tab(**options):
        context = chromium.new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        made.append(context)
        return context.new_page()

    yield open_tab
    for context in made:
        context.close()


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own():
    """Test processes that run side by side share one Redis, but neither see nor clear what the other keeps in it."""
    from django.core.cache import caches

    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if settings.REDIS_URL and worker:
        own = int(worker.removeprefix("gw")) + 1
        settings.CACHES["default"]["LOCATION"] = settings.REDIS_URL.removesuffix("/0") + f"/{own}"
        caches["default"] = caches.create_connection("default")
