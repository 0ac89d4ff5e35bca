"""Which nets of other frameworks open in minivis, and whether they then give their framework's answer.

    python benchmarks/graphs/run.py [torch] [onnx] [keras]          needs: pip install 'minivis[bench]'

Each NAME_graphs.py beside this file has ``make(folder)``: it builds small random nets with that framework, saves them
as people save them, and yields a `cases.Case` for each. The tables are in weights/README.md.
"""

import argparse
import importlib
import sys
import tempfile
import warnings
from pathlib import Path

from cases import TOLERANCE, judge

HERE = Path(__file__).parent


def main():
    kinds = sorted(path.name.removesuffix("_graphs.py") for path in HERE.glob("*_graphs.py"))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=kinds, help=", ".join(kinds))
    parser.add_argument("--folder", help="where the files stay, to look at them later")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each net")
    given = parser.parse_args()
    if unknown := sorted(set(given.kinds) - set(kinds)):
        parser.error(f"there are no graphs of {', '.join(unknown)}; there are {', '.join(kinds)}")
    warnings.simplefilter("ignore")                 # of exporters, about themselves
    lines, good = [], True
    for kind in given.kinds:
        with tempfile.TemporaryDirectory() as own:
            folder = Path(given.folder or own, kind)
            folder.mkdir(parents=True, exist_ok=True)
            verdicts = [judge(case) for case in importlib.import_module(f"{kind}_graphs").make(folder)]
        show(verdicts, given.verbose)
        opened = [v for v in verdicts if v.error is not None]
        wrong = [v for v in opened if not v.right]
        worst = max((v.error for v in opened), default=0.0)
        lines.append(f"| {kind} | {len(verdicts)} | {len(opened)} ({len(opened) / max(1, len(verdicts)):.1%}) | "
                     f"{len(opened) - len(wrong)} of {len(opened)} | {worst:.1e} |")
        good &= not wrong and len(opened) >= 0.95 * len(verdicts)
    print(f"| graphs | made | open | right, to {TOLERANCE:g} of the largest value | worst error |")
    print("|---|---|---|---|---|", *lines, sep="\n")
    return 0 if good else 1


def show(verdicts, verbose):
    """A line for each net that was refused or is wrong; for every one where asked for."""
    for verdict in verdicts:
        if verdict.refused:
            print(f"{verdict.name}: refused: {verdict.refused}")
        elif verbose or not verdict.right:
            print(f"{verdict.name}: {'right' if verdict.right else 'WRONG'}, off by {verdict.error:.1e}")


if __name__ == "__main__":
    sys.exit(main())
