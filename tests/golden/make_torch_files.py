"""Make zip.pth, stream.pth, tensors.safetensors and tensors.npz with the real libraries. Run once, by hand:

    pip install torch safetensors && python tests/golden/make_torch_files.py

One state dict, saved every way: floats of four kinds, a transposed tensor, two tensors in one storage, a parameter, a
number without axes, an empty tensor, counters.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent


def main():
    torch.manual_seed(0)
    shared = torch.randn(12)
    state = OrderedDict(
        {
            "conv.weight": torch.randn(4, 3, 3, 2),
            "conv.bias": torch.nn.Parameter(torch.randn(4)),
            "transposed": torch.randn(3, 5).T,
            "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
            "first": shared[:4],
            "last": shared[4:].view(2, 4)[:, 1:3],
            "half": torch.randn(5).half(),
            "bfloat16": torch.randn(2, 3).bfloat16(),
            "double": torch.randn(3).double(),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "num_batches_tracked": torch.tensor(7),
            "bytes": torch.arange(3, dtype=torch.uint8),
        }
    )
    state._metadata = OrderedDict({"": {"version": 1}})
    torch.save(state, HERE / "zip.pth")
    torch.save({"epoch": 3, "best": 0.5, "state_dict": state, "optimizer": {"state": {0: {"step": 2}}}},
               HERE / "stream.pth", _use_new_zipfile_serialization=False, pickle_protocol=2)  # fmt: skip
    torch.save({f"module.{k}": v for k, v in state.items()}, HERE / "protocol4.pth", pickle_protocol=4)
    save_file({k: v.detach().clone().contiguous() for k, v in state.items()}, HERE / "tensors.safetensors",
              metadata={"format": "pt"})  # fmt: skip
    np.savez_compressed(HERE / "tensors.npz", **{k: v.detach().to(torch.float64).numpy() for k, v in state.items()})


if __name__ == "__main__":
    main()
