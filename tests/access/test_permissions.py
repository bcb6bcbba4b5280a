import pytest

from desktop.access import PERMISSIONS, Permission, Role, allows, require
from desktop.errors import ErrorKind, UserFacingError


def test_every_role_and_every_permission_is_in_the_matrix() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert set().union(*PERMISSIONS.values()) == set(Permission)


@pytest.mark.parametrize(
    ("role", "permission", "may"),
    [
        (Role.DOCTOR, Permission.SIGN_REPORT, True),
        (Role.NURSE, Permission.SIGN_REPORT, False),
        (Role.TECHNICIAN, Permission.READ_IMAGES, False),
        (Role.TECHNICIAN, Permission.IMPORT_IMAGES, True),
        (Role.ADMINISTRATOR, Permission.VIEW_PATIENTS, False),
        (Role.ADMINISTRATOR, Permission.MANAGE_CLINIC, True),
        (Role.AUDITOR, Permission.VIEW_AUDIT, True),
        (Role.AUDITOR, Permission.VIEW_PATIENTS, False),
    ],
)
def test_who_may_do_what(role: Role, permission: Permission, may: bool) -> None:
    assert allows([role], permission) is may
    if may:
        require([role], permission)
    else:
        with pytest.raises(UserFacingError) as refusal:
            require([role], permission)
        assert refusal.value.kind is ErrorKind.PERMISSION


def test_roles_add_up_and_nobody_may_nothing() -> None:
    both = [Role.DOCTOR, Role.ADMINISTRATOR]
    assert all(allows(both, permission) for permission in Permission)
    assert not any(allows([], permission) for permission in Permission)
