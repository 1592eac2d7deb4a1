"""Users, and the one table of actions that carries undo, bulk undo and the audit trail."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from web.counts import counted


class Theme(models.TextChoices):
    AUTO = "auto", "as my system"
    LIGHT = "light", "light"
    DARK = "dark", "dark"


class User(AbstractUser):
    """A person, or a script that acts under a name of its own (`demo-script`)."""

    is_script = models.BooleanField(default=False, help_text="Acts for a program; pages mark what it did.")
    keys_enabled = models.BooleanField("single-key shortcuts", default=True)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.AUTO)
    time_zone = models.CharField(max_length=64, default="UTC")

    @cached_property
    def group_names(self) -> frozenset[str]:
        """The names of this person's groups, read once: a page asks for the role many times."""
        return frozenset(self.groups.values_list("name", flat=True))


class Door(models.TextChoices):
    """Where an action came in."""

    PAGE = "page", "page"
    ADMIN = "admin", "admin"
    COMMAND = "command", "command line"


class Action(models.Model):
    """One verb that someone carried out, with every row it changed."""

    verb = models.CharField(max_length=64)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="actions")
    door = models.CharField(max_length=16, choices=Door)
    note = models.TextField(blank=True)
    rows_changed = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(auto_now_add=True)
    undone_by = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undoes")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["by", "-id"], name="action_by_person")]
        constraints = [models.CheckConstraint(condition=Q(door__in=Door.values), name="action_door_known")]

    def __str__(self) -> str:
        return f"{self.verb} ({counted(self.rows_changed, 'row')})"

    @property
    def can_be_undone(self) -> bool:
        """It changed rows, and nobody has undone it."""
        return self.undone_by_id is None and self.rows_changed > 0


class ActionRow(models.Model):
    """What one action changed in one row: the columns before and after."""

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="rows")
    table = models.CharField(max_length=64, help_text="app_label.model, lower case")
    row_id = models.BigIntegerField()
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["table", "row_id", "action"], name="actionrow_by_row")]
        constraints = [
            models.UniqueConstraint(fields=["action", "table", "row_id"], name="actionrow_once_per_action"),
            models.CheckConstraint(condition=~Q(before=F("after")), name="actionrow_changes_something"),
        ]

    def __str__(self) -> str:
        return f"{self.table} {self.row_id}"


class Skip(models.Model):
    """A person does not want to see this subject again until then."""

    class Subject(models.TextChoices):
        QUERY = "query", "query"
        SUSPECT = "suspect", "suspect"
        DIALOGUE = "dialogue", "dialogue"

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    subject = models.CharField(max_length=8, choices=Subject)
    subject_id = models.BigIntegerField()
    until = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["by", "subject", "subject_id"], name="skip_once")]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id} skipped until {self.until:%Y-%m-%d %H:%M}"
