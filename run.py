"""Run a command in minivis' own environment, the folder .venv beside this file, which is made the first time.

    python3 run.py minivis gallery
    python3 run.py pytest
    python3 run.py docs                     the site, into build/docs; -D plot_gallery=0 leaves its demos unrun

Needs Python 3.10 or newer with venv, and on the first run a network for pip.
"""

import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
HOME = os.path.join(ROOT, ".venv")
BIN = os.path.join(HOME, "Scripts" if os.name == "nt" else "bin")
READY = os.path.join(HOME, "minivis-ready")             # holds what was installed: a new setup.cfg installs again


def main(command):
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("minivis needs Python 3.10 or newer, this is %d.%d" % sys.version_info[:2])  # noqa: UP031
    if not command or command[0] in ("-h", "--help"):
        sys.exit(__doc__.strip())
    with open(os.path.join(ROOT, "setup.cfg"), "rb") as file:
        wanted = hashlib.sha256(file.read() + ROOT.encode()).hexdigest()
    if installed() != wanted:
        install(wanted)
    if command[0] == "docs":
        install_docs(wanted)
        command = ["python", "-m", "sphinx", "-W", "--keep-going", *command[1:],
                   os.path.join(ROOT, "docs"), os.path.join(ROOT, "build", "docs")]
    environment = dict(os.environ, PATH=BIN + os.pathsep + os.environ.get("PATH", ""), VIRTUAL_ENV=HOME)
    try:
        return subprocess.call(command, env=environment)
    except FileNotFoundError:
        sys.exit(f"run.py: there is no command {command[0]!r} in {BIN}")
    except KeyboardInterrupt:                           # the command has had its own Ctrl-C
        return 130


def installed(ready=READY):
    try:
        with open(ready) as file:
            return file.read()
    except OSError:
        return None


def install_docs(wanted):
    """What builds the site, once for each setup.cfg."""
    ready = os.path.join(HOME, "minivis-docs-ready")
    if installed(ready) == wanted:
        return
    print("minivis: adding what builds the site to .venv ...", file=sys.stderr)
    pip = [os.path.join(BIN, "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call([*pip, "--editable", ROOT + "[docs]"], stdout=sys.stderr):
        sys.exit("run.py: pip could not install what builds the site, for the reason above; the next run tries again")
    with open(ready, "w") as file:
        file.write(wanted)


def install(wanted):
    try:
        import ensurepip  # noqa: F401  (venv needs it, and Debian packs it apart)
        import venv
    except ImportError:
        sys.exit("run.py: this Python has no venv; on Debian or Ubuntu: apt install python3-venv")
    print("minivis: making an environment in .venv, about a minute ...", file=sys.stderr)
    venv.EnvBuilder(with_pip=True, clear=True).create(HOME)
    pip = [os.path.join(BIN, "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call([*pip, "--editable", ROOT + "[test,imagenet]"], stdout=sys.stderr):
        print("run.py: once more without the net of photographs, which nothing else needs", file=sys.stderr)
        if subprocess.call([*pip, "--editable", ROOT + "[test]"], stdout=sys.stderr):
            sys.exit("run.py: pip could not install minivis, for the reason above; the next run tries again")
    with open(READY, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
