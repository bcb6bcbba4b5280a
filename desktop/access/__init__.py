"""Users, roles and what each may do. Roles are enforced by the program, not by cryptography.

May import `records` and below.
"""

from desktop.access.permissions import PERMISSIONS, Permission, Role, allows, require

__all__ = ["PERMISSIONS", "Permission", "Role", "allows", "require"]
