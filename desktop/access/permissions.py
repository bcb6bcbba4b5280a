"""The permission matrix."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.errors import ErrorKind, UserFacingError


class Role(StrEnum):
    """What somebody is in the clinic. One person may have several."""

    DOCTOR = "doctor"
    NURSE = "nurse"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    HELPER = "helper"


class Permission(StrEnum):
    """What a deed needs; each workflow function declares one."""

    USE_CLINIC = "use_clinic"
    VIEW_PATIENTS = "view_patients"
    EDIT_PATIENTS = "edit_patients"
    MERGE_PATIENTS = "merge_patients"
    RECORD_VISITS = "record_visits"
    PRESCRIBE = "prescribe"
    RECORD_CONSENTS = "record_consents"
    IMPORT_IMAGES = "import_images"
    VIEW_IMAGES = "view_images"
    READ_IMAGES = "read_images"
    SORT_CELLS = "sort_cells"
    SEND_IMAGES = "send_images"
    SIGN_REPORT = "sign_report"
    EXPORT_REPORT = "export_report"
    VIEW_AUDIT = "view_audit"
    MANAGE_CLINIC = "manage_clinic"
    VIEW_USERS = "view_users"
    MANAGE_USERS = "manage_users"
    BACK_UP = "back_up"


# What everybody of the clinic may do: keep the own passphrase and PIN, and lend a hand to housekeeping.
_EVERYONE = {Permission.USE_CLINIC, Permission.BACK_UP}
_CARE = _EVERYONE | {Permission.VIEW_PATIENTS, Permission.VIEW_IMAGES}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.DOCTOR: frozenset(
        _CARE
        | {
            Permission.EDIT_PATIENTS,
            Permission.MERGE_PATIENTS,
            Permission.RECORD_VISITS,
            Permission.PRESCRIBE,
            Permission.RECORD_CONSENTS,
            Permission.IMPORT_IMAGES,
            Permission.READ_IMAGES,
            Permission.SORT_CELLS,
            Permission.SEND_IMAGES,
            Permission.SIGN_REPORT,
            Permission.EXPORT_REPORT,
        }
    ),
    Role.NURSE: frozenset(
        _CARE
        | {
            Permission.EDIT_PATIENTS,
            Permission.MERGE_PATIENTS,
            Permission.RECORD_VISITS,
            Permission.RECORD_CONSENTS,
            Permission.IMPORT_IMAGES,
            Permission.SEND_IMAGES,
            Permission.EXPORT_REPORT,
        }
    ),
    Role.TECHNICIAN: frozenset(_CARE | {Permission.EDIT_PATIENTS, Permission.IMPORT_IMAGES, Permission.SEND_IMAGES}),
    Role.ADMINISTRATOR: frozenset(
        _EVERYONE | {Permission.MANAGE_CLINIC, Permission.VIEW_AUDIT, Permission.VIEW_USERS, Permission.MANAGE_USERS}
    ),
    Role.AUDITOR: frozenset(_EVERYONE | {Permission.VIEW_AUDIT, Permission.VIEW_USERS}),
    # Somebody from outside, who sees single cells and nothing else: not even where backups lie.
    Role.HELPER: frozenset({Permission.USE_CLINIC, Permission.SORT_CELLS}),
}


@dataclass(frozen=True)
class MatrixRow:
    """What one permission lets whom do. roles: in the order of `Role`."""

    permission: Permission
    roles: tuple[Role, ...]


def matrix() -> tuple[MatrixRow, ...]:
    """Every permission and the roles that carry it, for the screen where an administrator looks it up."""
    return tuple(
        MatrixRow(permission, tuple(role for role in Role if permission in PERMISSIONS[role]))
        for permission in Permission
    )


def allows(roles: Collection[Role], permission: Permission) -> bool:
    """Whether any of the roles carries the permission."""
    return any(permission in PERMISSIONS[role] for role in roles)


def require(roles: Collection[Role], permission: Permission) -> None:
    """Raises UserFacingError (permission) unless one of the roles carries the permission."""
    if not allows(roles, permission):
        raise UserFacingError("access.denied", kind=ErrorKind.PERMISSION)
