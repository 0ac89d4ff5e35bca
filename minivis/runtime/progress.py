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
    return bar(None, progress, title, iterable=items)


def bar(total: int | None, progress: Progress = True, title: str = "", **how: Any) -> Any:
    """A progress bar with ``update``, ``set_postfix_str`` and ``close``, under the same conditions.

    tqdm would start a thread that wakes slow bars, for a hidden bar too, and warn where the system starts none. With
    ``miniters=1`` a bar looks at the clock at every step, and needs no thread.
    """
    from tqdm.auto import tqdm

    class Bar(tqdm):
        monitor_interval = 0

    return Bar(total=total, desc=title, delay=2, disable=hidden(progress), leave=False, dynamic_ncols=True, miniters=1,
               **how)


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
