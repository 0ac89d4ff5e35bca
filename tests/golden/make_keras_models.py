"""Freeze small models as Keras saves them, with an input and Keras' own answer, for tests/weights/keras/test_model.py.

    python tests/golden/make_keras_models.py

Run with Keras 3.15.1 on jax, and again with Keras 2.15.0 (TensorFlow 2.15.1): keras3_models.zip and keras2_models.zip
hold each model as NAME.keras and NAME.h5, and beside them NAME.npz with "x" and "y". They are some of the models in
benchmarks/graphs/keras_graphs.py. No test imports Keras.
"""

import io
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "benchmarks" / "graphs")]

import keras_graphs  # noqa: E402

NAMES = ("bgr_minus_mean", "merged_rows", "mobilenet_block", "nested", "unet")


def main():
    path = HERE / f"keras{keras.__version__[0]}_models.zip"
    with TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", compresslevel=9) as archive:
        for case in keras_graphs.make(Path(folder), NAMES):
            members = {case.name: case.path.read_bytes()}
            numbers = f"{case.path.stem}.npz"
            if numbers not in archive.namelist():
                file = io.BytesIO()
                np.savez(file, x=case.x, y=case.y)
                members[numbers] = file.getvalue()
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    print(f"{path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
