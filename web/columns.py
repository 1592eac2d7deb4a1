"""New columns for large tables, without SQLite's remaking of the table: that would drop the triggers of the search."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddField
from django.db.migrations.state import ProjectState


class AddColumn(AddField):
    """Migration operation: AddField for a column with a constant default, which stays in SQLite's own schema."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.name)
        default = schema_editor.quote_value(schema_editor.effective_default(field))
        kind = field.db_type(schema_editor.connection)
        schema_editor.execute(
            f'ALTER TABLE "{model._meta.db_table}" ADD COLUMN "{field.column}" {kind} NOT NULL DEFAULT {default}'
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "sqlite":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        model = from_state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column
        schema_editor.execute(f'ALTER TABLE "{model._meta.db_table}" DROP COLUMN "{column}"')
