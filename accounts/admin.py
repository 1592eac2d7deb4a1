"""The admin's tables of people and actions."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import Action, User
from accounts.roles import Role, role_of
from accounts.site import ReadingAdmin

# The groups are the roles: none is added, renamed or deleted.
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People: administrators make them, give them a role (a group), and switch them off. Nobody is deleted."""

    list_display = ("username", "role", "is_active", "is_script", "last_login")
    list_filter = ("groups", "is_active", "is_script")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Role", {"fields": ("groups", "is_active")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "theme", "keys_enabled", "time_zone")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    @admin.display(description="role")
    def role(self, person: User) -> str:
        return role_of(person).name.lower()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_add_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Action)
class ActionAdmin(ReadingAdmin):
    """What was done; undo stands on the actions page."""

    list_display = ("verb", "by", "door", "rows_changed", "at", "undone_by")
    list_filter = ("door", "by")
    list_select_related = ("by", "undone_by")
    fields = ("verb", "by", "door", "note", "rows_changed", "at", "undone_by")
