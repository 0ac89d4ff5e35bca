"""A progress bar for work of more than two seconds, and remarks; silent if stderr is not a terminal."""

import sys


def track(items, progress=True, title=""):
    """Iterate over ``items`` (with a length) behind a bar on stderr, if ``progress`` and stderr is a terminal.

    ``progress`` may also be a function of your own that iterates over the items; it may raise an exception to stop.
    """
    if not progress:
        return items
    if callable(progress):
        return progress(items)
    from tqdm import tqdm

    return tqdm(items, desc=title, delay=2, disable=None, leave=False, dynamic_ncols=True)


def bar(total, progress=True, title=""):
    """A progress bar with ``update``, ``set_postfix_str`` and ``close``, under the same conditions."""
    from tqdm import tqdm

    return tqdm(total=total, desc=title, delay=2, disable=None if progress else True, leave=False, dynamic_ncols=True)


def remark(sentence, progress=True):
    """Print a remark on stderr, above the progress bar; silent when ``progress`` is off."""
    if progress:
        from tqdm import tqdm

        tqdm.write(f"minivis: {sentence}", file=sys.stderr)
