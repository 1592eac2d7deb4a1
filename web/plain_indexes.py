"""Indexes of one column alone that Django makes unasked, and that a wider one makes needless."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class DropPlainIndexes(Operation):
    """Migration operation: drop what indexes one of these columns alone and is no constraint; a table is not made anew.

    Each costs a write for every row that changes, on PostgreSQL whichever column it is.
    """

    reversible = True

    def __init__(self, table: str, columns: list[str]) -> None:
        self.table, self.columns = table, columns

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state says so by `db_index` of the fields."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, self.table)
        for name, one in found.items():
            is_plain = one["index"] and not one["unique"] and not one["primary_key"]
            if is_plain and len(one["columns"]) == 1 and one["columns"][0] in self.columns:
                schema_editor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing is lost without them but time."""

    def describe(self) -> str:
        return f"Drop indexes of {' and '.join(self.columns)} alone of {self.table}"
