"""The command line as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def process(*words, **settings):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment, **settings)


def finish(*words, **settings):
    with process(*words, **settings) as child:
        out, err = child.communicate(timeout=60)
    return child.returncode, out, err
