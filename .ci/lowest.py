"""Print the lowest versions that setup.cfg allows, of what minivis needs and of the extras named, as constraints."""

import configparser
import re
import sys
from pathlib import Path

config = configparser.ConfigParser()
config.read(Path(__file__).resolve().parents[1] / "setup.cfg", encoding="utf-8")
wanted = [config["options"]["install_requires"]]
wanted += [config["options.extras_require"][extra] for extra in ["test", *sys.argv[1:]]]
for line in "\n".join(wanted).splitlines():
    if found := re.fullmatch(r"\s*([\w.-]+)(?:\[\w+\])?\s*>=\s*([\w.]+)\s*", line):
        print(f"{found[1]}=={found[2]}")
