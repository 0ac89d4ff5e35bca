"""`minivis live`: the page in the browser, served on the loopback address."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from minivis.commands.common import DEVICE, READING, THREADS, blas_threads, net_option, reading
from minivis.commands.option_groups import GroupedCommand
from minivis.commands.types import whole

if TYPE_CHECKING:
    from minivis.types import Device

PORT = 8650                                     # or one of the next few if it is in use


@click.command("live", cls=GroupedCommand, params=[
    net_option(), DEVICE, THREADS,
    *READING,
    click.Option(["--port"], type=whole(0, 65535), metavar="N", show_default=f"{PORT} or the next free one",
                 help="Port of 127.0.0.1 to listen on; 0 takes any free one."),
    click.Option(["--listen"], metavar="ADDRESS", default="127.0.0.1", show_default=True,
                 help="Address of this machine to listen on; 0.0.0.0 is all of them, for a phone or another computer."),
    click.Option(["--host"], multiple=True, metavar="NAME",
                 help="Name or address by which the page may be called, besides 127.0.0.1 and localhost: of a proxy, a "
                      "tunnel or this machine, as example.org or 10.0.0.5. May be repeated."),
    click.Option(["--certificate"], metavar="FILE", help="Certificate (PEM) for https, which a phone's camera needs."),
    click.Option(["--key"], metavar="FILE", help="The certificate's private key (PEM), if it is not in the same file."),
    click.Option(["--browser/--no-browser"], default=True, help="Open the page in the browser.", show_default=True),
])  # fmt: skip
def live(
    net: Any, device: Device, threads: int | None, port: int | None, browser: bool, listen: str, host: tuple[str, ...],
    certificate: str | None, key: str | None, **given: Any,
) -> None:  # fmt: skip
    """Show every activation of a net live in the browser.

    The page takes a camera, pictures or films. It shows the maps of each layer, the backward pass from any unit, and
    the arithmetic behind any number. Nothing leaves this machine, and only this machine can ask, unless --listen and
    --host say otherwise (docs/live.md). Ctrl-C ends it.
    """
    from minivis.errors import BadValue
    from minivis.live import create_app, serve
    from minivis.weights.catalogue import entries, load

    serve.check_certificate(certificate, key)
    loaded = load(net, device=device, **reading(given))
    if loaded.input_channels not in (1, 3):
        raise BadValue(f"a camera sees red, green and blue, and {net} reads {loaded.input_channels} channels: use the "
                       "other commands with pictures of such channels")
    anywhere = listen in ("0.0.0.0", "::")
    own = "127.0.0.1" if anywhere else f"[{listen}]" if ":" in listen else listen
    app = create_app(loaded, name=net, hosts=(*serve.HOSTS, own, *host),
                     others={one.name: partial(load, one.name, device=device) for one, file in entries()
                             if file and one.name != net})
    with blas_threads(threads), serve.listening(port, PORT, listen) as sock:
        address = f"{'https' if certificate else 'http'}://{own}:{sock.getsockname()[1]}/"
        click.echo(f"minivis live, {net}: {address} (Ctrl-C ends it)")
        if anywhere and not host:
            click.echo("Other machines get no answer yet: name this one with --host, as in --host 10.0.0.5")
        serve.run(app, sock, address if browser else None, certificate, key)
