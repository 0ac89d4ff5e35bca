"""A bar on the terminal for what takes longer than two seconds, and remarks; none where nobody watches."""

import sys


def track(items, progress=True, title=""):
    """Iterate over ``items`` (with a length) behind a bar on stderr, if ``progress`` and stderr is a terminal.

    ``progress`` may also be a function of your own that iterates over the items, and tells somebody, or raises to stop.
    """
    if not progress:
        return items
    if callable(progress):
        return progress(items)
    from tqdm import tqdm

    return tqdm(items, desc=title, delay=2, disable=None, leave=False, dynamic_ncols=True)


def bar(total, progress=True, title=""):
    """A bar to ``update``, ``set_postfix_str`` and ``close`` by hand, under the same conditions."""
    from tqdm import tqdm

    return tqdm(total=total, desc=title, delay=2, disable=None if progress else True, leave=False, dynamic_ncols=True)


def remark(sentence, progress=True):
    """Say on stderr, above a bar, what somebody who waits should know; to nobody where there is no ``progress``."""
    if progress:
        from tqdm import tqdm

        tqdm.write(f"minivis: {sentence}", file=sys.stderr)
