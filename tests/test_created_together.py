"""Tables made in one go are those that single steps make, whichever leads to which."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from web.created_together import created_together

pytestmark = pytest.mark.django_db(transaction=True)
KEY = ("id", models.BigAutoField(primary_key=True))
AUTHOR = migrations.CreateModel("Author", [KEY, ("name", models.CharField(max_length=9, unique=True))])
BOOK = migrations.CreateModel(
    "Book",
    [KEY, ("author", models.ForeignKey("made.Author", models.CASCADE)), ("pages", models.IntegerField())],
    options={"indexes": [models.Index(fields=["pages"], name="book_pages")]},
)
SHELF = migrations.AddField("Book", "shelf", models.IntegerField(default=1))


def statements(operations):
    """What a migration of these operations has the database do, in order of the alphabet."""
    migration = migrations.Migration("0001", "made")
    migration.operations = operations
    with connection.schema_editor(collect_sql=True) as editor:
        migration.apply(ProjectState(), editor, collect_sql=True)
    return sorted(line for line in editor.collected_sql if not line.startswith("--"))


@pytest.mark.parametrize("models_in_order", [[AUTHOR, BOOK], [BOOK, AUTHOR]])
def test_the_same_tables_come_of_it(models_in_order):
    together = created_together([*models_in_order, SHELF])
    assert len(together) == 2
    made = statements(together)
    assert made == statements([AUTHOR, BOOK, SHELF])
    assert any("made_book" in line and "shelf" in line for line in made)


def test_they_go_again_the_other_way_round():
    (operation,) = created_together([AUTHOR, BOOK])
    state = ProjectState()
    operation.state_forwards("made", state)
    with connection.schema_editor(collect_sql=True) as editor:
        operation.database_backwards("made", editor, state, ProjectState())
    book, author = (line for line in editor.collected_sql if line.startswith("DROP TABLE"))
    assert "made_book" in book and "made_author" in author
