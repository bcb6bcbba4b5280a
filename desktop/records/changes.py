"""What a deed changed; each screen decides whether to reload."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Changes:
    """One flag per kind of record; models: another program changed which are in use."""

    patients: bool = False
    studies: bool = False
    suggestions: bool = False
    impressions: bool = False
    reviews: bool = False
    annotations: bool = False
    reports: bool = False
    policy: bool = False
    visits: bool = False
    consents: bool = False
    users: bool = False
    backups: bool = False
    network: bool = False
    labels: bool = False
    later_answers: bool = False
    models: bool = False

    def __or__(self, other: "Changes") -> "Changes":
        return Changes(
            **{field.name: getattr(self, field.name) or getattr(other, field.name) for field in fields(self)}
        )

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))
