"""Names of classes in a file, in the order of a net's outputs.

    text    one name per line; or a number and a name, "0: cat"; or ImageNet's "n01440764 tench, Tinca tinca"
    JSON    ["cat", "dog"], {"0": "cat"}, {"cat": 0}, {"0": ["n01440764", "tench"]}, or one of these as "id2label",
            as Hugging Face's config.json has it

A dict as Python prints it, {0: 'cat'}, is read like JSON; no code in it is run.
"""

import ast
import codecs
import json
import re
from typing import Any

from minivis.errors import BadFile, some_of
from minivis.runtime.files import read_bytes
from minivis.types import PathLike

LIMIT = 2**24                                   # bytes; ImageNet's 21,841 names with all synonyms take 1 MB
NUMBERED = re.compile(r"(\d{1,9})\s*[:;,\s]\s*(.+)")
SYNSET = re.compile(r"n\d{8}[\s,:]+(.+)")


def read_classes(path: PathLike) -> list[Any]:
    """The names, in order. Raise BadFile, with what the file should hold, for anything else."""
    text = decoded(path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadFile(f"{path} is empty; it must hold one class name per line")
    if text.lstrip()[0] in "[{":
        names = of_value(path, parsed(path, text))
    else:
        names = of_lines(lines)
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise BadFile(f"{path}: class names must be strings that are not empty, one for each class")
    return [name.strip() for name in names]


def decoded(path: PathLike) -> Any:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark."""
    try:
        data = read_bytes(path, LIMIT)
    except FileNotFoundError:
        raise BadFile(f"there is no file {path}") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror})") from None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadFile(f"{path} is not a text in UTF-8; it must hold one class name per line, or JSON")
    return text


def of_lines(lines: Any) -> Any:
    """Names from lines: sorted if they are numbered from 0 on; without ImageNet's numbers; or as they are."""
    numbered = [found for line in lines if (found := NUMBERED.fullmatch(line))]
    if len(numbered) == len(lines) and sorted(int(found[1]) for found in numbered) == list(range(len(lines))):
        return of_lines([found[2] for found in sorted(numbered, key=lambda found: int(found[1]))])
    synsets = [found for line in lines if (found := SYNSET.fullmatch(line))]
    if len(synsets) == len(lines):
        return [found[1].split(",")[0] for found in synsets]
    return lines


def parsed(path: PathLike, text: str) -> Any:
    """The value of JSON, or of a Python literal."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        first = error
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise BadFile(f"{path} begins like JSON, but is not ({str(first)[:80]})") from None


def of_value(path: PathLike, value: Any) -> list[Any]:
    """Names of a list, or of a dict between numbers and names in either direction."""
    if isinstance(value, dict) and isinstance(value.get("id2label"), dict):
        value = value["id2label"]
    if isinstance(value, dict):
        value = of_pairs(path, value)
    if not isinstance(value, (list, tuple)):
        raise BadFile(f'{path} holds no class names: it should be ["cat", "dog"] or {{"0": "cat", "1": "dog"}}')
    return [name[-1] if isinstance(name, (list, tuple)) and name else name for name in value]


def of_pairs(path: PathLike, pairs: Any) -> list[Any]:
    """The names of {"0": name} or {name: 0}, in order. BadFile unless the numbers are 0 to the last, each once."""
    by_name = all(type(number) is int for number in pairs.values())
    rows = [(number, name) for name, number in pairs.items()] if by_name else list(pairs.items())
    try:
        rows.sort(key=lambda row: int(row[0]))
        right = [int(number) for number, _ in rows] == list(range(len(rows)))
    except (ValueError, TypeError):
        right = False
    if not right or not rows:
        raise BadFile(f"{path}: classes are numbered from 0, each number once; the numbers here are "
                      f"{some_of((str(number)[:20] for number, _ in rows), 6) or 'none'}")
    return [name for _, name in rows]
