"""People who may unlock the clinic."""

from dataclasses import dataclass

from desktop.records.ids import UserId


@dataclass(frozen=True)
class User:
    """roles: values of `access.Role`. public_key: Ed25519 verification key, 32 bytes. disabled: may not unlock any
    more. earlier_public_keys: those of former keys, oldest first; what they signed stays signed."""

    id: UserId
    name: str
    roles: tuple[str, ...]
    public_key: bytes
    disabled: bool = False
    earlier_public_keys: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a user needs a name")

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """Every key whose signatures are this user's."""
        return (self.public_key, *self.earlier_public_keys)
