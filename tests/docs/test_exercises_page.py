"""The exercise that docs/exercises.md shows to teachers works as it stands there."""

import re
from pathlib import Path

from minivis.exercises.checking import check
from minivis.exercises.read import from_file

PAGE = Path(__file__).parents[2] / "docs" / "exercises.md"


def test_the_example_of_the_page(tmp_path):
    (code,) = re.findall(r"```python\n(import.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "leaky.py").write_text(code)
    exercise = from_file(tmp_path / "leaky.py")
    assert check(exercise, *exercise.functions).solved
    for number, mistake in enumerate(exercise.mistakes):
        assert check(exercise, exercise.wrong(mistake)["leaky"]).verdicts[0].mistakes == (number,)
