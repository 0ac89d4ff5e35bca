"""A progress bar for work of more than two seconds, and remarks: on a terminal's stderr, or as a notebook's widget."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minivis.types import Progress


def track(items: Any, progress: Progress = True, title: str = "") -> Iterable[Any]:
    """Iterate over ``items`` (with a length) behind a bar, if ``progress`` and there is a terminal or a notebook.

    ``progress`` may also be a function of your own that iterates over the items; it may raise an exception to stop.
    """
    if not progress:
        return items
    if callable(progress):
        return progress(items)
    from tqdm.auto import tqdm

    return tqdm(items, desc=title, delay=2, disable=hidden(progress), leave=False, dynamic_ncols=True)


def bar(total: int, progress: Progress = True, title: str = "") -> Any:
    """A progress bar with ``update``, ``set_postfix_str`` and ``close``, under the same conditions."""
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=title, delay=2, disable=hidden(progress), leave=False, dynamic_ncols=True)


def hidden(progress: Progress) -> bool | None:
    """What tqdm calls ``disable``: True hides a bar, None hides it where stderr is not a terminal, False shows it.

    A notebook's stderr is not a terminal, but a bar belongs there too: a widget, or text without ipywidgets.
    """
    return True if not progress else False if "ipykernel" in sys.modules else None


def remark(sentence: str, progress: Progress = True) -> None:
    """Print a remark on stderr, above the progress bar; silent when ``progress`` is off."""
    if progress:
        from tqdm.auto import tqdm

        tqdm.write(f"minivis: {sentence}", file=sys.stderr)
