"""What every pass and method checks in the same words."""

from minivis.errors import BadValue
from minivis.runtime.backend import get_xp


def check_finite(*answers):
    """Raise BadValue if one of a net's answers (arrays) is infinite or NaN."""
    for values in answers:
        if not get_xp(values).isfinite(values).all():
            raise BadValue("the net's answer to this picture is infinite or NaN: its weights overflow")
