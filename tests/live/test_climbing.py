"""Pictures that grow until they excite a unit, asked for over a real socket."""

import numpy as np
import pytest
from channel_nets import channel_net
from commandline import scene
from live_server import Watcher, picture_file, serving

from minivis.data.samples import Samples
from minivis.engine.units import Unit
from minivis.live import climbing
from minivis.live.asked import Asked, Stopped
from minivis.live.climbing import maximize, source_of_unit
from minivis.live.desk import Desk
from minivis.models.tiny import tiny_vgg
from minivis.optimize.loop import optimize

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)


def test_a_picture_grows_before_the_viewers_eyes(watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job="grow", unit="relu2_1:3")
    first = watcher.next("grown", job="grow")
    last = watcher.next("grown", job="grow", step=first["steps"])
    assert last["picture"].shape == (16, 16, 3)
    assert last["value"] > first["value"]


def test_three_pictures_excite_a_unit_in_different_ways_and_one_does_the_opposite(net, watcher):
    watcher.send(type="job", job="maximize", unit="conv2_1:3")
    found = watcher.next("grown", job="maximize", part=1)
    while found["values"] is None:
        found = watcher.next("grown", job="maximize", part=1)
    values = [net.forward(net.preprocess(net.fit(picture)))["conv2_1"][..., 3] for picture in found["pictures"]]
    assert found["pictures"].shape == (4, 16, 16, 3) and found["layer"] == "conv2_1"
    np.testing.assert_allclose(found["values"], [*(v.max() for v in values[:3]), values[3].min()], rtol=1e-4)
    assert min(found["values"][:3]) > 0 > found["values"][3]
    assert not np.array_equal(found["pictures"][0], found["pictures"][1])
    watcher.send(type="job", job="maximize", unit="conv2_1:3")          # kept for the next who asks
    np.testing.assert_array_equal(watcher.next("grown", part=1)["pictures"], found["pictures"])


def test_each_step_of_a_maximisation_is_news_so_that_a_short_job_waits_for_one_step(net):
    desk, told = Desk({"net": net}, Samples()), []
    desk.close()

    def tell(message, part="result"):
        told.append(message)
        return len(told) == 8

    with pytest.raises(Stopped):
        maximize(desk.bench("net"), Asked(desk.bench("net"), None, 0, "conv2_1:3"), tell)
    assert [isinstance(message, bytes) for message in told] == 2 * [False, False, False, True]      # a picture in four
    assert told[4]["part"] == 5 / (4 * 160)


def test_the_second_and_the_third_are_kept_unlike_those_before_them_and_the_last_does_the_opposite(net, monkeypatch):
    sought, starts, shaken = [], [], set()

    def noting(problem, start, **how):
        shaken.add(tuple(step.name for step in problem.transforms))
        sought.append({part.name: part.weight for part in problem.objective.parts})
        starts.append(start)
        return optimize(problem, start, **{**how, "steps": 1})

    monkeypatch.setattr(climbing, "optimize", noting)
    desk = Desk({"vgg": net}, Samples())
    maximize(desk.bench("vgg"), Asked(None, None, 0, "conv2_1:3"), lambda *news: False)
    desk.close()
    goal, alike = "conv2_1:3", f"alike({net.role('content')})"
    assert [one[goal] for one in sought] == [-1, -1, -1, 1] and shaken == {("jitter 1",)}       # of 16 pixels
    assert [one.get(alike, 0) > 0 for one in sought] == [False, True, True, False]
    assert not any(np.array_equal(starts[i], starts[j]) for i in range(4) for j in range(i))


def test_the_answers_of_a_picture_that_grows_are_those_of_what_is_shown(net, watcher):
    watcher.show(picture_file(scene()))
    watcher.next("frame")
    watcher.send(type="job", job="grow", unit="fc8:1")
    first = watcher.next("grown")
    for found in (first, watcher.next("grown", step=first["steps"])):
        probs = net.forward(net.preprocess(net.fit(found["picture"])))["prob"][0]
        assert [row[0] for row in found["top"]] == np.argsort(-probs, kind="stable")[:5].tolist()
        np.testing.assert_allclose([row[2] for row in found["top"]], np.sort(probs)[::-1][:5], rtol=1e-4)
        assert found["name"] == found["top"][[row[0] for row in found["top"]].index(1)][1]


def test_what_is_climbed_for_a_unit_lies_below_its_relus_and_before_the_softmax():
    net = tiny_vgg()
    assert source_of_unit(net, Unit("pool1", 3)) == Unit("conv1_2", 3)
    assert source_of_unit(net, Unit("relu6", 3)) == Unit("fc6", 3)
    assert source_of_unit(net, Unit("prob", 3)) == Unit("fc8", 3)
    assert source_of_unit(net, Unit("pool1", 3, (1, 2))) == Unit("pool1", 3, (1, 2))


def test_pictures_for_a_net_of_grey_ones_are_grey():
    with serving(channel_net(1)) as (port, _), Watcher(port) as one:
        one.send(type="job", job="maximize", unit="conv1:1")
        pictures = one.next("grown", job="maximize")["pictures"]
    assert pictures.shape[3] == 3 and (pictures == pictures[..., :1]).all() and pictures.std() > 0
