"""Tables as text: straight columns, and no more rows than fit a screen."""

from collections.abc import Collection, Sequence


def aligned(cells: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines with straight columns; the columns ``right`` are aligned on the right."""
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return ["  ".join(cell.rjust(w) if k in right else cell.ljust(w)
                      for k, (cell, w) in enumerate(zip(row, widths))).rstrip() for row in cells]


def shortened(lines: Sequence[str], most: int, what: str = "lines") -> list[str]:
    """At most ``most`` lines: the first and the last of them, and between them how many are left out."""
    if len(lines) <= most:
        return list(lines)
    first, last = most // 2, most - most // 2 - 1
    return [*lines[:first], f"... {len(lines) - first - last} more {what} ...", *lines[len(lines) - last:]]
