"""Tables that a migration makes in one go: after each of them Django would make anew all models that lead to it."""

from collections.abc import Iterable, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class CreateTogether(Operation):
    """Migration operation: several models at once. They may lead to one another in any order.

    `migrate --fake-initial` does not look inside.
    """

    def __init__(self, operations: Sequence[CreateModel]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # What was made of the models so far is made once more when it is asked for next, with all of these.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)


def created_together(operations: Iterable[Operation]) -> list[Operation]:
    """The same operations, neighbours that create models as one."""
    together: list[Operation] = []
    models: list[CreateModel] = []
    for operation in operations:
        if isinstance(operation, CreateModel):
            models.append(operation)
            continue
        together += [CreateTogether(models), operation] if models else [operation]
        models = []
    return [*together, CreateTogether(models)] if models else together
