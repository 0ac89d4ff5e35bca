"""Files with the names of classes, as people have them."""

import pytest

from minivis.errors import BadFile
from minivis.weights.class_file import LIMIT, read_classes

CAT_DOG = ["cat", "dog"]


@pytest.mark.parametrize("data, names", [
    (b"cat\ndog\n", CAT_DOG),
    (b"\xef\xbb\xbfcat\r\ndog\r\n\r\n", CAT_DOG),                       # a BOM and Windows' ends of lines
    ("cat\ndog".encode("utf-16"), CAT_DOG),
    ("  Käse \n\n犬".encode(), ["Käse", "犬"]),
    (b"0: cat\n1: dog", CAT_DOG), (b"1: dog\n0: cat", CAT_DOG), (b"0 cat\n1 dog", CAT_DOG), (b"0\tcat\n1,dog", CAT_DOG),
    (b"0: cat\n2: dog", ["0: cat", "2: dog"]),                          # no numbers of classes
    (b"3 apples\n2 pears", ["3 apples", "2 pears"]),
    (b"n01440764 tench, Tinca tinca\nn01443537 goldfish", ["tench", "goldfish"]),
    (b"0: n01440764 tench\n1: n01443537 goldfish", ["tench", "goldfish"]),
    (b'["cat", "dog"]', CAT_DOG), (b'\xef\xbb\xbf ["cat", "dog"]', CAT_DOG),
    (b'[["n01440764", "tench"], ["n01443537", "goldfish"]]', ["tench", "goldfish"]),
    (b'{"1": "dog", "0": "cat"}', CAT_DOG),
    (b'{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', ["tench", "goldfish"]),
    (b'{"dog": 1, "cat": 0}', CAT_DOG),
    (b'{"architectures": [], "id2label": {"0": "cat", "1": "dog"}}', CAT_DOG),
    (b"{0: 'cat',\n 1: \"dog\"}", CAT_DOG),
    (b"cat", ["cat"]),
])  # fmt: skip
def test_names_in_order(tmp_path, data, names):
    path = tmp_path / "names"
    path.write_bytes(data)
    assert read_classes(path) == names


@pytest.mark.parametrize("data, message", [
    (b"", "is empty; it must hold one class name per line"), (b"\n \r\n", "is empty"),
    (b"\xff\xfe\x00", "is not a text in UTF-8"), (b"\x89PNG\r\n\x00", "is not a text in UTF-8"),
    (b"a\0b", "is not a text"),
    (b'["cat", ', "begins like JSON, but is not"), (b"[__import__('os').getcwd()]", "begins like JSON, but is not"),
    (b"[" * 100_000, "begins like JSON, but is not"),
    (b'{"1": "cat", "2": "dog"}', "classes are numbered from 0, each number once; the numbers here are 1, 2$"),
    (b'{"cat": 0, "dog": 0}', "classes are numbered from 0"), (b'{"a": "b"}', "classes are numbered from 0"),
    (b'{"' + b"1" * 5000 + b'": "cat", "b": "c"}', "the numbers here are 1{20}, b$"),
    (b"{}", "the numbers here are none$"), (b'{"0.5": 1.5}', "classes are numbered from 0"),
    (b"[1, 2]", "class names must be strings"), (b"[]", "class names must be strings"),
    (b'["cat", ""]', "class names must be strings"),
])  # fmt: skip
def test_what_is_no_list_of_names(tmp_path, data, message):
    path = tmp_path / "names"
    path.write_bytes(data)
    with pytest.raises(BadFile, match=message):
        read_classes(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadFile, match="there is no file"):
        read_classes(tmp_path / "missing")
    with pytest.raises(BadFile, match="cannot be read"):
        read_classes(tmp_path)
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(BadFile, match="minivis reads files of up to"):
        read_classes(tmp_path / "huge")
