"""One process of the fuzzer: it runs cases by the click command itself, and says of each what was wrong.

    python -m fuzz.worker FOLDER SEED FIRST STOP STEP       (with tests/ and the root on PYTHONPATH)

FOLDER holds the originals. A line of JSON goes to stdout before each case and after it. A case may take `SECONDS` of
processor time, else the system ends this process, and `MEMORY` more than there was before.
"""

import io
import json
import os
import pkgutil
import re
import resource
import shutil
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path

SECONDS, MEMORY = 60, 10**9
LONGEST = 2500                                  # characters of a sentence
# what is said where memory ran out, rather than before it was taken
OF_SEVERAL = re.compile(r"minivis: \d+ of \d+ pictures are done, and \d+ could not be used")
RAN_OUT = re.compile("not enough memory|more memory than there is|does not fit into memory(;|$)|"
                     "[Uu]nable to alloc|cannot allocate", re.M)


def main(folder, seed, first, stop, step):
    results = os.fdopen(os.dup(1), "w")
    prepare()
    from fuzz.cases import case

    originals = files_in(Path(folder))
    with tempfile.TemporaryDirectory() as here, Place(here, originals) as place:
        for number in range(first, stop, step):
            try:
                one = case(seed, number, originals)
                print(json.dumps({"begin": number, "kind": one.kind, "words": [ascii(w)[:200] for w in one.words]}),
                      file=results, flush=True)
                found = place.run(one)
            except BaseException:               # of the fuzzer itself: stderr is not ours now
                print(json.dumps({"failed": number, "why": traceback.format_exc()}), file=results, flush=True)
                raise
            print(json.dumps({"end": number, **found}), file=results, flush=True)


def files_in(folder):
    """{path: bytes} of every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def prepare():
    """Import all there is, so that no case pays for it; take out what would train, serve or draw for long."""
    import minivis

    for module in pkgutil.walk_packages(minivis.__path__, "minivis."):
        if not module.name.endswith(("__main__", ".shipped")):
            __import__(module.name)
    for name in ("cluster", "datasets", "decomposition", "linear_model", "manifold", "neighbors"):
        __import__(f"sklearn.{name}")
    from minivis.commands.gallery import run as gallery
    from minivis.engine import memory
    from minivis.live import serve
    from minivis.training import recipes

    memory.available = lambda net=None: 0.6 * MEMORY
    serve.run = lambda app, sock, *more: None
    accuracy = recipes.accuracy
    recipes.accuracy = lambda net, data, count, *against, threads: accuracy(net, data, 4, *against, threads=threads)
    for name, stages in recipes.STAGES.items():
        recipes.STAGES[name] = tuple(replace(s, recipe=replace(s.recipe, batch=4, shard=2)) for s in stages[:1])
    gallery.run.__kwdefaults__["sections"] = gallery.SECTIONS[:2]
    gallery.chapters.__kwdefaults__["wanted"] = ()


class Place:
    """A folder with the originals, in which cases run; after each it is as it was."""

    def __init__(self, here, originals):
        self.here, self.originals = Path(here), originals

    def __enter__(self):
        os.chdir(self.here)
        for name, data in self.originals.items():
            self.write(name, data)
        (self.here / "home").mkdir()
        os.environ.update(HOME=str(self.here / "home"), XDG_CACHE_HOME=str(self.here / "home"),
                          XDG_DATA_HOME=str(self.here / "home"), MINIVIS_MIRROR="http://127.0.0.1:9/")
        self.said = [tempfile.TemporaryFile() for _ in ("out", "err")]       # noqa: SIM115
        for number, file in enumerate(self.said, 1):
            os.dup2(file.fileno(), number)
        return self

    def __exit__(self, *error):
        os.chdir("/")

    def write(self, name, data):
        path = self.here / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    def files(self):
        return {path.relative_to(self.here).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
                for path in self.here.rglob("*") if path.is_file() and not path.is_symlink()}

    def run(self, one):
        """What became of a case: code, wrong (words, if anything was), err (the last lines said), memory (in MB)."""
        for name, data in one.files.items():
            self.write(name, data)
        before = self.files()
        code, raised, out, err, peak = self.command(one.words)
        after = self.files()
        wrong = raised or judged(one, code, out, err, peak) or left(one.words, code, before, after, err)
        for name in after.keys() - self.originals.keys():
            os.unlink(self.here / name)
        for folder in sorted((p for p in self.here.rglob("*") if p.is_dir()), reverse=True):
            if folder.name not in ("home", "photos", "fashion"):
                shutil.rmtree(folder, ignore_errors=True)
        now = {name: (len(data), before.get(name, (0, 0))[1]) for name, data in self.originals.items()}
        for name, data in self.originals.items():
            if name in one.files or after.get(name) != now[name]:
                self.write(name, data)
        return {"code": code, "wrong": wrong, "err": err[-600:], "memory": round(peak / 1e6)}

    def command(self, words):
        """(exit code, what was raised, stdout, stderr, bytes more than before) of a command line."""
        from minivis.cli import main, prepare_process

        for file in self.said:
            os.ftruncate(file.fileno(), 0)
            os.lseek(file.fileno(), 0, os.SEEK_SET)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(os.fdopen(number, "wb", 0, closefd=False), "utf-8", errors, write_through=True)
            for number, errors in ((1, "strict"), (2, "backslashreplace")))         # as Python itself opens them
        prepare_process()
        base = limit()
        code = raised = None
        try:
            code = main(list(words))
            sys.stdout.flush()
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = [f for f in frames if "/minivis/" in f.filename] or frames
            where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno} {ours[-1].name}"
            raised = f"{type(error).__name__}: {str(error)[:150]} (at {where})"
        peak = memory("VmHWM") - base
        texts = []
        for file in self.said:
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return code, raised, *texts, peak


def limit():
    """Limit the processor time and the memory of what comes; return how much memory is taken now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS + 1, hard))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + MEMORY, hard))
    try:
        Path("/proc/self/clear_refs").write_text("5")                   # the peak begins anew
    except OSError:
        return memory("VmHWM")
    return memory("VmRSS")


def memory(what):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


def judged(one, code, out, err, peak):
    """What is wrong with what was said; None where nothing is."""
    lines = err.splitlines() if err else []
    if code not in (0, 1, 2):
        return f"exit code {code}"
    # Pillow asks for as many bytes as a chunk or a box says that it has, and takes none where they are not there
    asked = one.kind.startswith("picture") and peak < MEMORY / 10
    if (RAN_OUT.search(err) or RAN_OUT.search(out)) and not asked:
        return "memory ran out"
    if peak > MEMORY:
        return "over a gigabyte"
    if "Warning" in err or "Traceback" in err:
        return "a warning: " + next(line for line in lines if "Warning" in line or "Traceback" in line)[-120:]
    if any(name.endswith((".tif", ".tiff")) for name in one.files):         # libtiff says more, by itself
        lines = lines[-1:]
    if code == 2 and lines and OF_SEVERAL.fullmatch(lines[-1]):
        # a sentence for each that failed, beside what is said of the others, and the sum; in JSON they are in stdout
        failed = [line for line in lines[:-1] if line.startswith("minivis: error: ")]
        lines = (failed or ["minivis: error: "] * out.count('"error": ') or lines)[:1]
    if code == 2 and not (len(lines) == 1 and err.endswith("\n") and lines[0].startswith("minivis: error: ")):
        return "not one sentence"
    if code == 2 and len(err) > LONGEST + sum(map(len, one.words)):
        return "a sentence without end"
    if any((ord(c) < 32 and c != "\n") or c == "\x7f" for c in err):
        return "control characters"
    return None


def left(words, code, before, after, err):
    """What was left behind or changed, where nothing may be. Of several pictures those that could be used are made."""
    samples = "home/minivis/samples/"           # which a command unpacks once, for all that come
    new = [name for name in after if name not in before and not name.startswith(samples)]
    hidden = [name for name in new if Path(name).name.startswith(".") and not "".join(words).count(name)]
    if hidden:
        return f"left behind: {hidden[0][:20]}"
    if code == 2 and new and not OF_SEVERAL.search(err):
        return f"left behind: {new[0][:60]}"
    if code == 2 and any(after.get(name) != about for name, about in before.items()):
        return f"changed: {next(name for name, about in before.items() if after.get(name) != about)}"
    return None


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:6]))
