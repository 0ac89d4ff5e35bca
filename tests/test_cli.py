"""Every command as a user types it: what it prints, what it writes, what it says when something is wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import PICTURE_COMMANDS, contents, scene
from processes import finish, process

from minivis.cli import cli
from minivis.errors import BadFile
from minivis.images.files import write_image

ROOT = Path(__file__).parents[1]


# ---- each command ----

def test_weights(run):
    code, out, _ = run("weights", "list")
    assert code == 0 and "emoji-vgg" in out and "vgg16" in out and "64 x 64" in out
    said = json.loads(run("weights", "list", "--json")[1])
    assert {"name", "description", "origin", "licence", "path", "bytes"} == set(said["numbers"]["nets"][0])
    code, out, _ = run("weights", "inspect", "tiny.h5")
    assert code == 0 and "tropical fish" in out
    said = json.loads(run("weights", "inspect", "tiny.h5", "--json")[1])
    assert len(said["numbers"]["sha256"]) == 64 and said["numbers"]["classes"] == 5


def test_help_and_version(run):
    code, out, _ = run("--help")
    assert code == 0 and all(f"  {name} " in out for name in cli.commands)
    assert run()[:2] == (0, out) and run("-h")[1] == out
    assert run("--version")[1].startswith("minivis ")
    for name, command in cli.commands.items():
        code, out, _ = run(name, "--help")
        assert code == 0 and out.startswith(f"Usage: minivis {name}"), name
        for sub in getattr(command, "commands", {}):
            assert run(name, sub, "--help")[0] == 0
    assert "list" in run("weights")[1] and "fashion" in run("train")[1]


# ---- what goes wrong ----

@pytest.mark.parametrize("words, message", [
    (["saliency", "nowhere.jpg"], "there is no file nowhere.jpg"),
    (["saliency", ""], "there is no file"),
    (["saliency", "photo.png", "-o", ""], "is not a file name"),
    (["saliency", "photo.png", "--net", ""], "is a folder"),
    (["saliency", "text.jpg"], "is not a picture that minivis can read"),
    (["saliency", "empty.png"], "is empty"),
    (["saliency", "cut.jpg"], "damaged or incomplete"),
    (["saliency", "tiny.h5"], "is not a picture"),
    (["saliency", "photo.png", "--net", "emoji-vvg"], "no net named 'emoji-vvg'; did you mean 'emoji-vgg'"),
    (["saliency", "photo.png", "--net", "nowhere.h5"], "there is no file nowhere.h5"),
    (["saliency", "photo.png", "--net", "photo.jpg"], "not a file of weights"),
    (["saliency", "photo.png", "--net", "."], "is a folder"),
    (["saliency", "photo.png", "--net", "cut.h5"], "damaged or half-written"),
    (["saliency", "photo.png", "--unit", "gose"], "no class named 'gose'; did you mean 'goose'"),
    (["saliency", "photo.png", "--unit", "relu2_9:1"], "no layer named 'relu2_9'; did you mean 'relu2_1'"),
    (["saliency", "photo.png", "--unit", "relu2_1:8"], "relu2_1 has 8 channels, 0 to 7"),
    (["saliency", "photo.png", "--unit", "relu2_1"], "is a whole layer: name one of its units"),
    (["saliency", "photo.png", "--unit", "fc8:5"], "fc8 has 5 channels"),
    (["saliency", "photo.png", "--unit", "relu2_1:1@top"], "the @ must be followed by"),
    (["saliency", "photo.png", "-o", "no/where.png"], "the folder no does not exist; make it first"),
    (["saliency", "photo.png", "-o", "photo.png"], "exists and is kept; give another name, or --force"),
    (["saliency", "photo.png", "-o", "out.gif"], "a picture's name must end in one of .png"),
    (["saliency", "photo.png", "-o", "-"], "a picture's name must end in one of .png"),
    (["saliency", "photo.png", "-o", "out"], "a picture's name must end in one of .png"),
    (["saliency", "photo.png", "--threads", "0"], "'--threads': 0 is not in the range"),
    (["saliency", "photo.png", "--seed", "-1"], "'--seed': -1 is not in the range"),
    (["saliency", "photo.png", "--size", "0"], "'--size': 0 is not in the range"),
    (["saliency", "photo.png", "--samples", "many"], "'many' is not a valid integer"),
    (["saliency", "photo.png", "--noise", "2"], "'--noise'"),
    (["saliency", "photo.png", "--device", "tpu"], "'tpu' is not one of 'cpu', 'gpu'"),
    (["inspect", "tiny.h5", "photo.jpg"], "unexpected extra argument (photo.jpg)"),
    (["saliency", "photo.png", "--nett", "x"], "No such option"),
    (["saliency", "photo.png", "--net"], "'--net' requires an argument"),
    (["saliency", "photo.png", "--map", "gradcm"], "'gradcm' is not one of 'gradient', 'deconv'"),
    (["saliency", "photo.png", "--map", "gradcam", "--layer", "fc6"], "needs feature maps from which fc8 is computed"),
    (["saliency", "photo.png", "--map", "gradcam", "--unit", "conv1_1:0"], "none below conv1_1: ask for a unit"),
    (["saliency", "photo.png", "--map", "integrated", "--steps", "0"], "'--steps'"),
    (["saliency", "photo.png", "--curve", "--sanity"], "draw different pictures: give only one of them"),
    (["occlude", "photo.png", "--window", "17"], "a window of 17 x 17 pixels does not fit into 16 x 16"),
    (["occlude", "photo.png", "--window", "4", "--stride", "5"], "from 1 to the window"),
    (["occlude", "photo.png", "--window", "big"], "'big' is not a size"),
    (["occlude", "photo.png", "--window", "0"], "'0' is not a size"),
    (["occlude", "photo.png", "--window", "1,2,3"], "is not a size"),
    (["occlude", "photo.png", "--fill", "gray"], "'gray' is not one of"),
    (["occlude", "photo.png", "--unit", "fc7:1", "--measure", "prob"], "is not a class, so it has no probability"),
    (["backprop", "photo.png", "--rule", "gided"], "'gided' is not one of 'normal', 'deconv', 'guided', "),
    (["backprop", "photo.png", "--display", "abs"], "'abs' is not one of 'signed', 'absolute'"),
    (["backprop", "photo.png", "--crop"], "looks at the whole picture, so there is nothing to crop to"),
    (["occlude", "photo.png", "--unit", "goose", "--unit", "fc7:1"], "units are in several layers"),
    (["activations", "photo.png", "--layer", "conv12"], "no layer named 'conv12'; did you mean 'conv1_2'"),
    (["activations", "photo.png", "--channels", "0"], "'--channels'"),
    (["activations", "photo.png", "--order", "size"], "'size' is not one of 'channel', 'strength'"),
    (["filters", "--layer", "fc6"], "no convolution named 'fc6'"),
    (["filters", "photo.png"], "unexpected extra argument (photo.png)\n"),
    (["filters", "--data", "taken"], "--data names the photographs for --compare: give both options"),
    (["filters", "--compare", "--data", "no/where"], "there is no folder no/where"),
    (["filters", "--compare", "--data", "text.jpg"], "none of the 1 pictures in text.jpg can be read"),
    (["filters", "--compare", "--data", "taken"], "there is no picture in the folder taken"),
    (["filters", "--compare", "--layer", "conv2_1"], "only filters that read the picture can be compared with patches"),
    (["receptive-field", "--pictures", "0"], "'--pictures'"),
    (["receptive-field", "--data", "taken"], "there is no picture in the folder taken"),
    (["receptive-field", "photo.png"], "unexpected extra argument (photo.png)\n"),
    (["maximize", "photo.png"], "unexpected extra argument (photo.png)\n"),
    (["maximize", "school bus", "x"], "arguments (school bus x); to name a unit, write --unit 'school bus'\n"),
    (["segment", "photo.png", "--show", "outline"], "'outline' is not one of 'figure', 'mask', 'cut-out'"),
    (["segment", "photo.png", "--high", "2"], "'--high'"),
    (["classify", "photo.png", "--top", "0"], "'--top'"),
    (["classify", "photo.png", "-o", "photo.jpg"], "exists and is kept"),
    (["inspect", "nowhere.h5"], "there is no file nowhere.h5"),
    (["gradcheck", "--net", "photo.png"], "not a file of weights"),
    (["weights", "inspect", "cut.h5"], "damaged or half-written"),
    (["weights", "lst"], "no command named 'lst'; did you mean 'list'"),
    (["gallery", "text.jpg"], "is not a picture"),
    (["gallery", "photo.png", "-o", "no/where"], "there is no folder no; make it first"),
    (["gallery", "photo.png", "-o", "photo.jpg"], "photo.jpg is not a folder"),
    (["gallery", "photo.png", "-o", "taken"], "exists and is kept"),
    (["rerun", "photo.png"], "has no record of how it was made"),
    (["rerun", "nowhere.png"], "there is no file nowhere.png"),
    (["rerun"], "Missing argument 'PICTURE'"),
    (["train", "emoji", "--net", "emoji-vgh"], "no net to train named 'emoji-vgh'; did you mean 'emoji-vgg'"),
    (["train", "emoji", "-o", "tiny.h5"], "exists and is kept"),
    (["train", "fashion", "--data", "no/where"], "no/where"),
    (["train", "fashion", "--steps", "0"], "'--steps'"),
    (["train", "digits", "--steps", "1"], "--steps must be at least 2 for digits"),
    (["train", "fashion", "--threads", "0"], "'--threads'"),
    (["train", "fashion", "--resume"], "fashion-vgg.h5.checkpoint"),
    (["bench", "conv", "--net", "vgg15"], "no net named 'vgg15'"),
    (["bench", "conv", "--threads", "0"], "'--threads': 0 is not in the range"),
    (["bench", "conv", "--size", "0"], "'0' is not a size"),
    (["bench", "cnov"], "no command named 'cnov'; did you mean 'conv'"),
    (["salience", "photo.png"], "no command named 'salience'; did you mean 'saliency'"),
    (["--quiet"], "No such option"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_mistakes(refused, here, words, message):
    (here / "text.jpg").write_text("I am no picture.")
    (here / "empty.png").write_bytes(b"")
    (here / "cut.jpg").write_bytes((here / "photo.jpg").read_bytes()[:700])
    (here / "cut.h5").write_bytes((here / "tiny.h5").read_bytes()[:9000])
    (here / "taken").mkdir()
    (here / "taken" / "index.html").write_text("mine")
    needs_net = words[0] in (*PICTURE_COMMANDS, "gallery") and "--net" not in words
    assert message in refused(*words, *(["--net", "tiny.h5"] if needs_net else []))


def test_a_read_only_folder(refused, here):
    if os.access("/proc", os.W_OK) and os.geteuid() == 0 and not os.path.isdir("/proc/self"):
        pytest.skip("no folder here that even root cannot write to")
    folder = "/proc/self" if os.path.isdir("/proc/self") else here
    assert "cannot be written" in refused("saliency", "photo.png", "--net", "tiny.h5", "-o", f"{folder}/x.png")
    assert "cannot be made" in refused("gallery", "photo.png", "--net", "tiny.h5", "-o", f"{folder}/gallery")


def test_no_gpu(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "pip install 'minivis[gpu]'" in refused("saliency", "photo.png", "--net", "tiny.h5", "--device", "gpu")


def test_memory_that_runs_out(refused, monkeypatch):
    def forward(*args, **settings):
        raise MemoryError

    monkeypatch.setattr("minivis.engine.network.Network.forward", forward)
    assert "not enough memory" in refused("saliency", "photo.png", "--net", "tiny.h5")


def test_a_name_of_any_length_leaves_the_sentence_readable(refused, monkeypatch):
    """As that of a layer in a damaged file."""
    def forward(*args, **settings):
        raise BadFile(f"it is of the layer {'x' * 100_000}, not of fc7")

    monkeypatch.setattr("minivis.engine.network.Network.forward", forward)
    said = refused("saliency", "photo.png", "--net", "tiny.h5")
    assert said.startswith("it is of the layer xxx") and said.endswith("xxx, not of fc7\n") and len(said) < 2100


def test_threads_that_do_not_start(run, refused, monkeypatch):
    """As with --threads 255 under a limit of the memory or of the processes."""
    def forward(*args, **settings):
        raise RuntimeError(said)

    monkeypatch.setattr("minivis.engine.network.Network.forward", forward)
    said = "can't start new thread"
    assert "starts no further thread" in refused("saliency", "photo.png", "--net", "tiny.h5")
    said = "a bug of ours"
    with pytest.raises(RuntimeError, match=said):
        run("saliency", "photo.png", "--net", "tiny.h5")


def test_a_net_with_a_nan(refused, here):
    import h5py

    with h5py.File("tiny.h5", "r+") as file:
        file["layers/fc6/w"][3, 3] = np.nan
    assert "NaN" in refused("saliency", "photo.png", "--net", "tiny.h5")


def test_a_net_whose_weights_overflow_is_one_sentence_without_warnings(here):
    import h5py

    with h5py.File("tiny.h5", "r+") as file:
        file["layers/conv1_1/w"][:] = 3e38
    code, out, err = finish("-m", "minivis", "classify", "photo.png", "--net", "tiny.h5")
    assert (code, out) == (2, "") and "infinite or NaN" in err and err.count("\n") == 1


def test_a_name_with_control_characters_commands_no_terminal(refused):
    assert refused("saliency", "\x1b[31mred\x07\u202e.png").startswith("no picture is called ?[31mred??.png")


def test_a_name_that_is_no_text_can_be_printed(here):
    """Bytes of a name that are no UTF-8, in a terminal that shows UTF-8."""
    command = "import minivis.cli, sys; sys.argv[1:] = ['weights', 'import', 'tiny.h5', '-o', 'new\\udcff.h5']; " \
              "sys.stdout.reconfigure(encoding='utf-8', errors='strict'); sys.exit(minivis.cli.main())"
    code, out, err = finish("-c", command)
    assert (code, err) == (0, "") and "wrote new\\udcff.h5" in out


def test_too_large_for_the_memory(refused, here, monkeypatch):
    monkeypatch.setattr("minivis.engine.memory.available", lambda *net: 100_000)
    line = refused("saliency", "photo.png", "--net", "branches.h5")
    assert "make the longer side" in line and "pixels or less" in line


def test_a_bug_of_ours_is_a_traceback(run, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("minivis.methods.attribution.saliency.saliency", broken)
    with pytest.raises(ZeroDivisionError):
        run("saliency", "photo.png", "--net", "tiny.h5")


@pytest.mark.parametrize("error, is_ours", [
    (OSError(28, "No space left on device"), False),
    (PermissionError(13, "Permission denied", "photo.png"), False),
    (PermissionError(13, "Permission denied", "/etc/hidden/of/ours"), True),
    (OSError(5, "Input/output error"), True),
])  # fmt: skip
def test_errors_of_the_system(refused, run, monkeypatch, error, is_ours):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr("minivis.methods.attribution.saliency.saliency", broken)
    if is_ours:
        with pytest.raises(OSError, match=error.strerror):
            run("saliency", "photo.png", "--net", "tiny.h5")
    else:
        assert error.strerror in refused("saliency", "photo.png", "--net", "tiny.h5")


def test_a_current_folder_that_was_removed(refused, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "the current folder was removed" in refused("classify")


def test_a_side_that_does_not_fit_is_refused_before_it_is_made(refused, here):
    line = refused("dream", "photo.png", "--net", "branches.h5", "--side", "1000000")
    assert "a longer side of 1000000 pixels needs at least" in line and "choose a smaller --side" in line


# ---- as a process of its own ----

def test_as_a_module(here):
    code, out, err = finish("-m", "minivis", "classify", "photo.png", "--net", "tiny.h5")
    assert (code, err) == (0, "") and "%" in out
    code, out, err = finish("-m", "minivis", "classify", "nowhere.png")
    assert (code, out, err) == (2, "", "minivis: error: there is no file nowhere.png\n")


# the command line, which says on stdout when its method has begun
BEGUN = """
import sys, minivis.cli, minivis.methods.attribution.occlusion as occlusion
track = occlusion.track
occlusion.track = lambda *args: [print("begun", flush=True)] and track(*args)
sys.exit(minivis.cli.main())
"""


def test_ctrl_c(here):
    write_image("large.png", scene(400, 400))
    before = contents(here)
    words = ("occlude", "large.png", "--net", "branches.h5", "--window", "20", "--stride", "1")
    with process("-c", BEGUN, *words) as child:
        assert child.stdout.readline() == "begun\n", child.stderr.read()
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=60)
        finally:
            child.kill()                                # or the suite waits for ever
    assert child.returncode == 130 and out == "" and err.strip() == "minivis: stopped"
    assert contents(here) == before


def test_a_closed_pipe_is_no_error(here):
    for words in (("inspect", "tiny.h5"), ("--help",), ("weights", "list", "--json")):
        child = process("-m", "minivis", *words)
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        child.wait(timeout=60)
        assert "Traceback" not in err and "BrokenPipe" not in err, err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_an_output_without_room_is_one_sentence(here):
    for words in (("classify", "photo.png", "--net", "tiny.h5", "--json"), ("--help",)):
        with open("/dev/full", "w") as full:
            done = subprocess.run([sys.executable, "-m", "minivis", *words], stdout=full, stderr=subprocess.PIPE,
                                  text=True, cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 2
        assert done.stderr == "minivis: error: the output cannot be written (No space left on device)\n"


def seconds(*words, tries=3):
    """The least time on a processor of a few runs: waiting, which other programs cause, does not count."""
    resource = pytest.importorskip("resource")
    times = []
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert finish(*words)[0] == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_starts_at_once():
    assert seconds("-c", "import minivis") < 0.25
    assert seconds("-m", "minivis", "--help") < 0.4


def test_help_imports_nothing_heavy():
    code, out, _ = finish("-c", "import sys; from minivis.cli import main; main(['--help']); "
                          "print(*sorted({m.split('.')[0] for m in sys.modules}))")
    loaded = out.splitlines()[-1].split()
    assert code == 0 and not {"numpy", "PIL", "h5py", "scipy", "sklearn", "tqdm", "joblib"} & set(loaded)
