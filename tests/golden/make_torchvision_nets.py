"""Make nets_*.pth of torchvision's own nets, narrowed, and nets_torchvision.npz: their answers. Once, by hand:

    pip install torch torchvision && python tests/golden/make_torchvision_nets.py

Of nets that take too long to write down a second time (make_torch_nets.py does that) torchvision's own modules are
built with every width divided: all widths of Inception v3 are multiples of 16. Weights are float16, as there.
"""

from collections import OrderedDict
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from make_torch_nets import CLASSES, randomize, run
from torch import nn

for operator in ("nms", "qnms"):        # compiled operators may be missing: the nets need only their names
    torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from torchvision import models  # noqa: E402

HERE = Path(__file__).parent


@contextmanager
def divided(by):
    """Within this, layers have a part of their channels; pictures keep three, and the answer its classes."""
    kept = {cls: cls.__init__ for cls in (nn.Conv2d, nn.BatchNorm2d, nn.Linear)}

    def narrow(width):
        return width if width in (3, CLASSES) else width // by

    def init(cls, self, *widths, **settings):
        if "groups" in settings:
            settings["groups"] = max(1, settings["groups"] // by)
        count = 1 if cls is nn.BatchNorm2d else 2
        kept[cls](self, *map(narrow, widths[:count]), *widths[count:], **settings)

    try:
        for cls in kept:
            cls.__init__ = lambda self, *widths, _cls=cls, **settings: init(_cls, self, *widths, **settings)
        yield
    finally:
        for cls, original in kept.items():
            cls.__init__ = original


def inception():
    return models.Inception3(num_classes=CLASSES, aux_logits=True, transform_input=False, init_weights=False)


NETS = {            # name: (a function, widths divided by, size of the input)
    "inception_v3": (inception, 16, 299),
    "mobilenet_v2": (partial(models.MobileNetV2, num_classes=CLASSES), 8, 65),
    "densenet121": (partial(models.DenseNet, 2, (6, 12, 24, 16), 4, num_classes=CLASSES), 1, 65),
    "resnext": (partial(models.ResNet, models.resnet.Bottleneck, [1, 2, 1, 1], num_classes=CLASSES, groups=32,
                          width_per_group=4), 16, 65),
}  # fmt: skip


def main():
    results = {}
    for number, (name, (make, by, size)) in enumerate(NETS.items()):
        torch.manual_seed(number)
        with divided(by):
            net = make().eval()
        with torch.no_grad():
            randomize(net)
        results[f"{name}/logits"], results[f"{name}/dx"] = run(net.double(), size)
        state = OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in net.state_dict().items()
                            if not k.startswith("AuxLogits.") or "conv0.bn" in k)  # fmt: skip
        torch.save(state, HERE / f"nets_{name}.pth", _use_new_zipfile_serialization=False)
    np.savez_compressed(HERE / "nets_torchvision.npz", **{k: v.astype("f4") for k, v in results.items()})


if __name__ == "__main__":
    main()
