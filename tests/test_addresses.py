"""Every address of the site, asked for by a stranger and by each role: each gets the status it should."""

from functools import cache

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.actions import Change, record
from accounts.links import login_path
from accounts.roles import Role
from curation.models import Benchmark, DuplicateCluster, Judge, Query, RulePass, Template, Upload
from dialogues.exporting import Choice, export_dialogues
from dialogues.models import Dialogue, Review, Withdrawal
from dialogues.versions import write_version
from runs.models import EndpointBucket, Proposal, Run
from tests.making import a_dialogue, a_query

pytestmark = pytest.mark.django_db

ANYONE, REVIEWER, CURATOR, ADMINISTRATOR = Role

# Each address: who may, and what a GET gives those who may. A new address has to be written here.
PAGES = {
    "home": (REVIEWER, 200),
    "enter_admin": (ADMINISTRATOR, 302),
    "accounts:login": (ANYONE, 200),
    "accounts:login_link": (ANYONE, 200),
    "accounts:logout": (ANYONE, 405),
    "accounts:preferences": (REVIEWER, 200),
    "accounts:set_password": (REVIEWER, 405),
    "accounts:actions": (REVIEWER, 200),
    "accounts:action": (REVIEWER, 200),
    "accounts:undo": (REVIEWER, 405),
    "curation:queries": (REVIEWER, 200),
    "curation:query": (REVIEWER, 200),
    "curation:score": (CURATOR, 200),
    "curation:batches": (REVIEWER, 200),
    "curation:batch": (REVIEWER, 200),
    "curation:withdraw_benchmark": (CURATOR, 200),
    "curation:contamination": (REVIEWER, 200),
    **{f"curation:{what}": (CURATOR, 200) for what in ("judge_suspects", "execute_suspects", "check_contamination")},
    "curation:suspects": (REVIEWER, 200),
    "curation:suspect": (REVIEWER, 200),
    "curation:suspect_skip": (REVIEWER, 405),
    "curation:languages": (REVIEWER, 200),
    "curation:find_languages": (CURATOR, 405),
    **{f"curation:{what}_passes": (REVIEWER, 200) for what in ("contamination", "duplicate", "language")},
    "curation:clusters": (REVIEWER, 200),
    "curation:cluster": (REVIEWER, 200),
    "curation:find_duplicates": (CURATOR, 200),
    **{f"curation:cancel_{what}": (CURATOR, 405) for what in ("check", "search", "languages")},
    **{f"curation:{what}_cluster": (CURATOR, 405) for what in ("dissolve", "join")},
    **{f"curation:{what}_member": (CURATOR, 405) for what in ("keep", "part", "represent")},
    "curation:suspect_reopen": (REVIEWER, 405),
    "curation:rejected_csv": (REVIEWER, 200),
    "curation:rejected_jsonl": (REVIEWER, 200),
    "curation:lines": (REVIEWER, 200),
    "curation:agreement": (REVIEWER, 200),
    "curation:linking": (REVIEWER, 200),
    "curation:behind": (REVIEWER, 200),
    "curation:whatif": (REVIEWER, 200),
    "curation:start_pass": (CURATOR, 405),
    "curation:rule_pass": (REVIEWER, 200),
    "curation:lessons": (REVIEWER, 200),
    **{f"curation:{name}": (REVIEWER, 200) for name in ("templates", "template", "export_template", "judges")},
    **{f"curation:{name}": (CURATOR, 200) for name in ("new_template", "edit_template", "import_template", "preview")},
    **{f"curation:{name}_judge": (CURATOR, 405) for name in ("count", "leave_out")},
    **{f"curation:{name}": (CURATOR, 405) for name in ("retire_template", "bring_back", "ask_preview")},
    "curation:new_lab": (CURATOR, 200),
    **{f"curation:{name}": (REVIEWER, 200) for name in ("labs", "lab")},
    "curation:audit": (REVIEWER, 302),
    "curation:audit_item": (REVIEWER, 200),
    "curation:audit_skip": (REVIEWER, 405),
    "curation:audit_reopen": (REVIEWER, 405),
    "curation:audit_again": (REVIEWER, 405),
    "curation:guidelines": (REVIEWER, 200),
    **{f"curation:{name}": (CURATOR, 405) for name in ("edit_guidelines", "start_sample")},
    "dialogues:dialogues": (REVIEWER, 200),
    "dialogues:detail": (REVIEWER, 200),
    "dialogues:build": (CURATOR, 200),
    "dialogues:funnel": (REVIEWER, 200),
    "dialogues:exports": (REVIEWER, 200),
    "dialogues:start_export": (CURATOR, 405),
    "dialogues:download": (CURATOR, 200),
    "dialogues:upload_file": (CURATOR, 200),
    "dialogues:upload": (CURATOR, 200),
    "dialogues:discard_upload": (CURATOR, 405),
    "dialogues:go_on": (CURATOR, 405),
    "dialogues:withdraw_batch": (CURATOR, 200),
    "dialogues:withdraw_source": (CURATOR, 200),
    "dialogues:withdrawal": (CURATOR, 200),
    "dialogues:withdrawal_go_on": (CURATOR, 405),
    "dialogues:review": (REVIEWER, 302),
    "dialogues:review_item": (REVIEWER, 200),
    **{f"dialogues:review_{what}": (REVIEWER, 405) for what in ("skip", "reopen", "back")},
    "dialogues:turn": (REVIEWER, 302),
    "dialogues:edit_turn": (REVIEWER, 200),
    "runs:runs": (REVIEWER, 200),
    "runs:detail": (REVIEWER, 200),
    "runs:lost": (REVIEWER, 200),
    "runs:budget": (CURATOR, 200),
    "runs:compact": (CURATOR, 200),
    "runs:proposal": (CURATOR, 200),
    "runs:start": (CURATOR, 405),
    "runs:price": (CURATOR, 405),
    "runs:control": (CURATOR, 405),
}
STREAMED = ("dialogues:download", "curation:rejected_csv", "curation:rejected_jsonl")
# The admin is for administrators alone; rows are read there, and only people are added and changed.
ADMIN_PAGES = {"index": 200, "login": 302, "logout": 405, "password_change": 200, "password_change_done": 200}
ADMIN_PAGES |= {"autocomplete": 403, "jsi18n": 200, "view_on_site": 302, "app_list": 200}
ADMIN_PAGES |= {"accounts_user_add": 200, "auth_user_password_change": 200}
ADMIN_ROW_PAGES = {"changelist": 200, "add": 403, "history": 200, "delete": 403, "change": 200}


def addresses(patterns, namespace=""):
    """(name, pattern) of every address."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from addresses(pattern.url_patterns, inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}", pattern


@cache
def all_addresses():
    return dict(addresses(get_resolver().url_patterns))


@pytest.fixture
def rows(reviewer, tmp_path):
    """One row of each table that an address names; the admin reads the newest."""
    # One for each person who asks the queues.
    query, *_ = [a_query(disputed=True, scoring="readable") for _ in range(4)]
    dialogue, *_ = [a_dialogue() for _ in range(4)]
    approved = a_dialogue(state="approved")
    write_version(approved, by=None)
    template = Template.objects.create(name="complexity", level_labels=list("abcde"), body="x")
    judge = Judge.objects.create(template=template, model="m", sampling={})
    a_lab = Run.objects.create(kind="rubric_lab", title="t", state="done", parameters={"judges": [], "seed": 0})
    of_template = ("template", "edit_template", "export_template", "retire_template", "bring_back")
    cluster = DuplicateCluster.objects.create(representative=query, source=query.source, kind="form", size=2)
    withdrawal = Withdrawal.objects.create(slug="s", is_whole=True)
    upload = Upload.objects.create(key="k", file_name="f", size=1, sha256="x", by=reviewer)
    benchmark = Benchmark.objects.create(name="b", sha256="x")
    proposal = Proposal.objects.create(kind="scoring", title="t", parameters={}, by=reviewer)
    rule_pass = RulePass.objects.create(rule="mean_at_least", threshold=4.0)
    return {
        "curation": {"query": query, "audit_item": query, "rule_pass": rule_pass, "withdraw_benchmark": benchmark}
        | dict.fromkeys(("batch", "rejected_csv", "rejected_jsonl"), query.batch)
        | dict.fromkeys(("cluster", "dissolve_cluster", "join_cluster"), cluster)
        | dict.fromkeys((*of_template, "preview", "ask_preview"), template)
        | dict.fromkeys(("count_judge", "leave_out_judge"), judge)
        | {"lab": a_lab}
        | dict.fromkeys(("keep_member", "part_member", "represent_member"), cluster),
        "dialogues": {
            "detail": dialogue,
            "review_item": dialogue,
            "download": export_dialogues(tmp_path / "x", layout="openai", choice=Choice(), by=None)[0],
            "turn": dialogue.turns.get(kind="feedback"),
            "edit_turn": dialogue.turns.get(kind="feedback"),
            "go_on": query.batch,
            "withdraw_batch": query.batch,
            "withdraw_source": query.source,
        }
        | dict.fromkeys(("withdrawal", "withdrawal_go_on"), withdrawal)
        | dict.fromkeys(("upload", "discard_upload"), upload),
        "runs": {"": Run.objects.create(kind="score", title="t", state="done")}
        | dict.fromkeys(("proposal", "start", "price"), proposal),
        "accounts": {"": record("look", [Change(query, {"mean": None}, {"mean": 1.0})], by=reviewer)},
        "admin": {
            "source": query.source,
            "importbatch": query.batch,
            "template": template,
            "judge": judge,
            "benchmark": benchmark,
            "review": Review.objects.create(dialogue=dialogue, by=reviewer, outcome="approved", dialogue_version=1),
            "endpointbucket": EndpointBucket.objects.create(
                endpoint="e", requests_left=1, tokens_left=1, filled_at=timezone.now()
            ),
            "accessattempt": AccessAttempt.objects.create(failures_since_start=1),
            "accesslog": AccessLog.objects.create(),
            "accessfailurelog": AccessFailureLog.objects.create(),
        },
    }


def path_of(name, pattern, rows, reviewer):
    """An address with the keys of rows that are there."""
    room, _, page = name.partition(":")
    if name == "accounts:login_link":
        return login_path(reviewer)
    if "pk" in pattern.pattern.converters:
        row = rows[room].get(page) or next(iter(rows[room].values()))
        further = {"verb": "pause"} if "verb" in pattern.pattern.converters else {}
        further |= {"query_id": 1} if "query_id" in pattern.pattern.converters else {}
        return reverse(name, kwargs={"pk": row.pk, **further})
    return reverse(name)


def admin_path_of(page, rows, reviewer):
    if page == "view_on_site":
        return reverse(f"admin:{page}", args=[ContentType.objects.get_for_model(Query).pk, Query.objects.first().pk])
    if page == "app_list":
        return reverse(f"admin:{page}", args=["curation"])
    if page == "auth_user_password_change":
        return reverse(f"admin:{page}", args=[reviewer.pk])
    if page in ADMIN_PAGES or page.endswith(("changelist", "add")):
        return reverse(f"admin:{page}")
    table = page.split("_")[1]
    known = {
        "user": reviewer,
        "run": Run.objects.first(),
        "query": Query.objects.first(),
        "dialogue": Dialogue.objects.first(),
    }
    known |= {"action": rows["accounts"][""], "export": rows["dialogues"]["download"]} | rows["admin"]
    return reverse(f"admin:{page}", args=[known[table].pk])


@pytest.fixture
def clients(reviewer_client, curator_client, administrator_client):
    return {ANYONE: Client(), REVIEWER: reviewer_client, CURATOR: curator_client, ADMINISTRATOR: administrator_client}


def test_every_address_is_in_the_table_and_every_view_carries_its_role():
    site = {name: pattern for name, pattern in all_addresses().items() if not name.startswith("admin:")}
    assert {name: pattern.callback.needed_role for name, pattern in site.items()} == {
        name: role for name, (role, _) in PAGES.items()
    }


# Whoever sees all pages asks the second database for all of them.
ONCE = [pytest.param(role, marks=pytest.mark.once) for role in (ANYONE, REVIEWER, CURATOR)]


@pytest.mark.parametrize("who", [*ONCE, ADMINISTRATOR])
def test_each_address_gives_a_role_what_it_should(who, rows, reviewer, clients, subtests):
    for name, (role, status) in PAGES.items():
        with subtests.test(name):
            response = clients[who].get(path_of(name, all_addresses()[name], rows, reviewer))
            if who >= role:
                # The log-in page sends people who are in already to the start page.
                expected = 302 if name == "accounts:login" and who > ANYONE else status
                assert response.status_code == expected
            elif who == ANYONE:
                assert response.status_code == 302
                assert response.url.startswith("/login/?next=/")
            else:
                assert response.status_code == 403


def test_the_admin_lets_administrators_in_and_nobody_else(rows, reviewer, clients):
    pages = [name.partition(":")[2] for name in all_addresses() if name.startswith("admin:")]
    assert len(pages) > 60
    for page in pages:
        path = admin_path_of(page, rows, reviewer)
        expected = ADMIN_PAGES.get(page) or ADMIN_ROW_PAGES[page.rpartition("_")[2]]
        if page.startswith("axes_") and page.endswith("delete"):
            expected = 200
        for who in (ANYONE, REVIEWER, CURATOR):
            response = clients[who].get(path)
            assert response.status_code in (302, 403), (page, who)
            if response.status_code == 302 and page != "logout":
                assert response.url.startswith(("/admin/login/", "/login/")), (page, who)
        assert clients[ADMINISTRATOR].get(path).status_code == expected, page


def test_someone_who_knocks_at_the_admin_meets_the_one_login_page(clients, administrator):
    asked = clients[ANYONE].get("/admin/", follow=True)
    assert asked.redirect_chain[-1][0].startswith("/login/?next=")
    refused = clients[REVIEWER].get("/admin/", follow=True)
    assert refused.status_code == 403


def test_an_address_that_is_not_there_has_a_page_of_its_own(clients):
    response = clients[REVIEWER].get("/no/such/address/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_a_reviewers_bar_shows_no_room_that_is_closed_to_them(clients):
    assert "/admin/" not in clients[REVIEWER].get("/").content.decode()
    assert "/admin/" in clients[ADMINISTRATOR].get("/").content.decode()


@pytest.mark.once
def test_every_page_meets_the_policy_of_the_site(rows, reviewer, clients):
    """No inline script, handler or style on any page of ours: the policy would stop it."""
    for name, (_, status) in PAGES.items():
        if status != 200 or name in STREAMED:
            continue
        who = ANYONE if name.startswith("accounts:login") else ADMINISTRATOR
        html = clients[who].get(path_of(name, all_addresses()[name], rows, reviewer)).content.decode()
        assert [word for word in (" style=", "javascript:", "<style", "<script>") if word in html] == [], name
