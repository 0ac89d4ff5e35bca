"""How many pictures nets still name right when each is moved against them: FGSM and PGD at several eps.

    python benchmarks/robustness.py emoji-vgg emoji-vgg-robust
    python benchmarks/robustness.py plain.h5 hard.h5 --data fashion --eps 4 8 16 32

A net is a name of the catalogue or a file, and is attacked through its own weights. The pictures are new ones: draws of
emoji over held-out backgrounds, or the first of Fashion-MNIST's test split. PGD takes --steps steps from a random point
of the ball; FGSM is one step, from one too.
"""

# ruff: noqa: E402
import argparse

from minivis.runtime.openblas import take_avx512

take_avx512()                           # before NumPy is loaded

import minivis as mv
from minivis.data.fashion import DEBIAN
from minivis.training.adversary import Adversary
from minivis.training.trainer import accuracy


def pictures(name, folder):
    if name == "fashion":
        from minivis.data.fashion import FashionMNIST

        return FashionMNIST(folder, split="test")
    from minivis.data.emoji.compose import EmojiPictures
    from minivis.data.emoji.sprites import load
    from minivis.training.recipes import EmojiStream

    return EmojiStream(EmojiPictures(load(), split="test"), seed=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="+")
    parser.add_argument("--data", choices=("emoji", "fashion"), default="emoji")
    parser.add_argument("--folder", default=DEBIAN, help="of Fashion-MNIST's four files")
    parser.add_argument("--eps", type=float, nargs="+", default=[1, 2, 4, 8, 16], help="levels of 255")
    parser.add_argument("--steps", type=int, default=20, help="of PGD")
    parser.add_argument("--count", type=int, default=500, help="pictures")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()

    data = pictures(args.data, args.folder)
    attacks = [Adversary("fgsm", eps) for eps in args.eps]
    attacks += [Adversary("pgd", eps, steps=args.steps) for eps in args.eps]
    print("| net | clean |", " | ".join(map(str, attacks)), "|")
    print("|---|" + "---|" * (1 + len(attacks)))
    for name in args.nets:
        net = mv.load(name)
        right = [accuracy(net, data, args.count, attack, threads=args.threads)[0] for attack in (None, *attacks)]
        print(f"| {name} |", " | ".join(f"{100 * share:.1f} %" for share in right), "|", flush=True)


if __name__ == "__main__":
    main()
