"""The live page: point a camera at something and see every activation of a net (Yosinski et al. 2015, "DeepVis").

    microscope.py   what is worked out of one picture: classes, activations, the way back from a unit. No web in it
    arithmetic.py   "explain this number": the products and sums behind one activation, and behind its gradient
    jobs.py         what takes longer: occlusion, saliency, patches, a picture that grows
    messages.py     the form of what goes over the wire, and the checks of what comes
    viewer.py       one viewer: its newest picture, its view, its jobs
    app.py          the routes, and who may ask
    static/         the page: plain ES modules, no build step
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivis.errors import MissingExtra

if TYPE_CHECKING:
    from minivis.engine.network import Network


def create_app(net: Network, **settings: Any) -> Any:
    """The ASGI app for a net, see `minivis.live.app.create_app`; MissingExtra where Starlette is not installed."""
    try:
        from minivis.live.app import create_app
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "anyio"):
            raise
        raise MissingExtra("the live page needs Starlette and uvicorn: pip install minivis[live]") from None
    return create_app(net, **settings)
