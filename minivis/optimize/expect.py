"""How long a run of many steps will take, said after its first few steps, which are timed."""

import time
from typing import Any

from minivis.optimize.update_rules import LBFGS
from minivis.runtime.progress import remark

FEW = 5                                         # steps that are timed; the first one, which takes memory, is not
GROWTH = 1.2                                    # of a step by L-BFGS, until it remembers all it may; measured
LONG = 60.0                                     # seconds: what takes longer is said


def telling(watch: Any, what: str, method: Any, progress: Any = False, clock: Any = time.perf_counter) -> Any:
    """A callback that says once how long the run takes, and then calls that of ``watch`` as often as it asks for.

    what: the subject of the sentence, such as "512 x 341 pixels".
    """
    seen: list[tuple[int, float]] = []
    grows = GROWTH if isinstance(method, LBFGS) else 1.0

    def look(preview: Any) -> bool:
        if len(seen) <= FEW:
            seen.append((preview.step, clock()))
            if len(seen) == FEW + 1:
                needs = grows * (seen[-1][1] - seen[0][1]) / FEW * (preview.steps - seen[0][0])
                if needs >= LONG:
                    remark(f"{what}: about {in_words(needs)} for {preview.steps} steps", progress)
        return bool(watch.callback and preview.step % watch.every == 0 and watch.callback(preview))

    return look


def in_words(needs: float) -> str:
    """Seconds as a person says them."""
    if needs < 100:
        return f"{needs:.0f} s"
    return f"{needs / 60:.0f} min" if needs < 100 * 60 else f"{needs / 3600:.1f} hours"
