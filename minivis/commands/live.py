"""`minivis live`: the page in the browser, served on the loopback address."""

import click

from minivis.commands.common import COMPUTE, READING, blas_threads, reading
from minivis.commands.option_groups import GroupedCommand
from minivis.commands.types import whole

PORT = 8650                                     # or one of the next few if it is in use


@click.command("live", cls=GroupedCommand, params=[
    *(option for option in COMPUTE if option.name != "seed"),
    *READING,
    click.Option(["--port"], type=whole(0, 65535), metavar="N", show_default=f"{PORT} or the next free one",
                 help="Port of 127.0.0.1 to listen on; 0 takes any free one."),
    click.Option(["--browser/--no-browser"], default=True, help="Open the page in the browser.", show_default=True),
])  # fmt: skip
def live(net, device, threads, port, browser, **given):
    """Show every activation of a net live in the browser.

    The page takes a camera, pictures or films. It shows the maps of each layer, the backward pass from any unit, and
    the arithmetic behind any number. Nothing leaves this machine. Ctrl-C ends it.
    """
    from minivis.errors import BadValue
    from minivis.live import create_app, serve
    from minivis.weights.catalogue import load

    loaded = load(net, device=device, **reading(given))
    if loaded.input_channels not in (1, 3):
        raise BadValue(f"a camera sees red, green and blue, and {net} reads {loaded.input_channels} channels: use the "
                       "other commands with pictures of such channels")
    app = create_app(loaded, name=net)
    with blas_threads(threads), serve.listening(port, PORT) as sock:
        address = f"http://127.0.0.1:{sock.getsockname()[1]}/"
        click.echo(f"minivis live, {net}: {address} (Ctrl-C ends it)")
        serve.run(app, sock, open_browser=address if browser else None)
