from collections.abc import Iterator

import pytest

from desktop.network.node import Node
from tests.network.desk import MemoryDesk, here


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.fixture
def node(desk: MemoryDesk) -> Iterator[Node]:
    """A node that listens on this PC."""
    made = Node(here(), desk)
    made.start()
    yield made
    made.stop()
