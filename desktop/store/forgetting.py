"""What the search remembers of names, and dropping it when the store closes."""

from types import ModuleType

from desktop.store import search_keys, sounds

# Whole modules, so that a cache which is added to one of them is dropped too.
_REMEMBER_NAMES: tuple[ModuleType, ...] = (search_keys, sounds)


def forget_names() -> None:
    """Empty every cache of keys and readings of this clinic's names and places."""
    for module in _REMEMBER_NAMES:
        for remembering in vars(module).values():
            if hasattr(remembering, "cache_clear"):
                remembering.cache_clear()
