"""The sentence with which minivis refuses to load something."""

import pytest

import minivis as mv
from minivis.errors import BadFile


def sentence(name_or_path, kind=BadFile, **settings):
    with pytest.raises(kind) as caught:
        mv.load(name_or_path, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)
