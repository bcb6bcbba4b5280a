"""People who may unlock the clinic."""

from dataclasses import dataclass

from desktop.records.ids import UserId


@dataclass(frozen=True)
class User:
    """roles: values of `access.Role`. public_key: Ed25519 verification key, 32 bytes."""

    id: UserId
    name: str
    roles: tuple[str, ...]
    public_key: bytes
    disabled: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a user needs a name")
