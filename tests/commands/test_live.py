"""The command that serves the live page."""

import pytest
from channel_nets import channel_net

REASON = "without the extra `live` the server's tests do not run"
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)
pytest.importorskip("websockets", reason=REASON)


def test_the_command_takes_another_port_where_its_own_is_taken_and_says_so_where_it_was_named(capsys):
    from minivis.cli import main
    from minivis.live import serve

    with serve.listening(0, 0) as taken:
        port = taken.getsockname()[1]
        with serve.listening(None, port) as other:
            assert other.getsockname()[1] != port
        assert main(["live", "--port", str(port), "--no-browser"]) == 2
        assert f"port {port} is in use" in capsys.readouterr().err


def test_a_camera_shows_nothing_to_a_net_of_four_channels(capsys, tmp_path):
    from minivis.cli import main
    from minivis.weights.native import save

    save(channel_net(4), tmp_path / "four.h5")
    assert main(["live", "--net", str(tmp_path / "four.h5"), "--no-browser"]) == 2
    assert "reads 4 channels: use the other commands with pictures of such channels" in capsys.readouterr().err
