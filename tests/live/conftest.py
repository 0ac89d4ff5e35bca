"""A small net's live page on a port of its own, and a viewer who speaks to it."""

import pytest
from live_server import Watcher, serving

from minivis.models.tiny import tiny_vgg


@pytest.fixture(scope="module")
def net():
    return tiny_vgg()


@pytest.fixture(scope="module")
def server(net):
    with serving(net) as (port, app):
        yield port, app


@pytest.fixture
def watcher(server):
    with Watcher(server[0]) as one:
        yield one
