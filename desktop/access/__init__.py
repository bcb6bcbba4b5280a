"""Users, roles and what each may do. Roles are enforced by the program, not by cryptography.

May import `records` and below.
"""

from desktop.access.permissions import PERMISSIONS, MatrixRow, Permission, Role, allows, matrix, require

__all__ = ["PERMISSIONS", "MatrixRow", "Permission", "Role", "allows", "matrix", "require"]
