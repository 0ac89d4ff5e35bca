"""Seeded damage to files: of their bytes, and, where checksums or packing would hide it, of what is inside.

``mutated(rng, name, data)`` returns other bytes of the same kind; ``rng`` is a `random.Random`.
"""

import gzip
import io
import json
import struct
import warnings
import zipfile
import zlib

from minivis.images.provenance import KEY

NUMBERS = (0, 1, 2, 3, 7, 16, 255, 256, 2**15, 2**16 - 1, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53,
           2**62, 2**63 - 1, 2**63, 2**64 - 1, 10**30, -1, -2, -(2**31), -(2**63))
VALUES = (*NUMBERS, 0.5, -0.5, 1e-300, 1e300, float("nan"), float("inf"), None, True, False, "", "x", "input", "fc8",
          "conv1_1", "\x00", "é\u2028鵝", "\udcff", "x" * 3000, [], {}, [[]], [{}], [0, 0], [-1, 5], ["input"],
          {"name": 1}, {"0": {}})
TEXTS = ("-1", "0", "9" * 30, "nan", "inf", "1e400", "", "--seed", "--out=x.png", "-f", "--steps", "../..", "noise")
DEEP = 30_000                                   # levels of nested lists


def mutated(rng, name, data):
    """``data`` with some damage, chosen among what makes sense for a file of this name."""
    ways = [bytes_changed] * 2 + [numbers_changed, cut, pasted]
    if data[:2] == b"PK":
        ways += [member_changed] * 4
    if data[:2] == b"\x1f\x8b":
        ways += [unzipped_changed] * 5
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        ways += [chunk_changed] * 4
        ways += [record_changed] * 8 if b"tEXt" + KEY.encode() in data else []
    if name.endswith(".json"):
        ways = [json_changed] * 5 + [bytes_changed, cut]
    if name.endswith(".safetensors"):
        ways += [header_changed] * 5
    if name.endswith(".npy"):
        ways += [npy_changed] * 5
    if name.endswith(".mat"):
        ways += [packed_changed] * 3
    if name.endswith(".checkpoint"):
        ways += [block_changed] * 4
    if name.endswith(".txt"):
        ways += [text_changed] * 3
    try:
        return rng.choice(ways)(rng, data)
    except Exception:                           # already so damaged that nothing inside can be found
        return bytes_changed(rng, data)


# ---- bytes ----

def bytes_changed(rng, data):
    """A few bytes, or a run of them, of another value."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if out:
            at = place(rng, len(out))
            out[at] = rng.choice((0, 255, 127, 128, out[at] ^ 1 << rng.randrange(8), rng.randrange(256)))
    return bytes(out)


def place(rng, size):
    """A byte of a file: often one of the first, where headers are, or of the last, where zip has its list."""
    kind = rng.random()
    return rng.randrange(min(size, 128)) if kind < 0.4 else max(0, size - 1 - rng.randrange(min(size, 200))) \
        if kind < 0.5 else rng.randrange(size)


def numbers_changed(rng, data):
    """One to four whole numbers of 2, 4 or 8 bytes, in either order."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        width, order = rng.choice((2, 4, 4, 8)), rng.choice(("little", "big"))
        if len(out) >= width:
            at = min(place(rng, len(out)), len(out) - width)
            out[at : at + width] = (rng.choice(NUMBERS) % 256**width).to_bytes(width, order)
    return bytes(out)


def cut(rng, data):
    """Without its end, its beginning, or a part between."""
    first, last = sorted((place(rng, len(data) + 1), place(rng, len(data) + 1)))
    return rng.choice((data[:first], data[last:], data[:first] + data[last:], b""))


def pasted(rng, data):
    """A part of it once more, somewhere else; zeros; or more of the same."""
    first, last = sorted((place(rng, len(data) + 1), place(rng, len(data) + 1)))
    last = min(last, first + 4096)
    at, part = place(rng, len(data) + 1), rng.choice((data[first:last], bytes(last - first), data[first:last] * 3))
    return data[:at] + part + data[at + rng.choice((0, len(part))) :]


def raw_changed(rng, data):
    return rng.choice((bytes_changed, numbers_changed, cut, pasted))(rng, data)


# ---- what is inside ----

def member_changed(rng, data):
    """Of a zip archive, one member, with the right checksum; or its name, or how it is packed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    out, chosen = io.BytesIO(), rng.randrange(len(members))
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")                                     # of two members with one name
        for number, (name, content, kind) in enumerate(members):
            if number == chosen:
                what = rng.random()
                if what < 0.1:
                    continue                                                # it is missing
                if what < 0.2:
                    name = rng.choice((name[:-1], name.replace("/", "//"), "../" + name, members[0][0], "x" * 300))
                elif what < 0.25:
                    kind = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED))
                elif what < 0.3:
                    content, kind = bytes(rng.choice((2**22, 2**24))), zipfile.ZIP_DEFLATED
                else:
                    content = inside(rng, name, content)
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=kind)
    return out.getvalue()


def inside(rng, name, content):
    """A member: JSON by its tree, NumPy's arrays mostly in their headers, anything else as bytes."""
    if content[:1] == b"{" and rng.random() < 0.8:
        return json_changed(rng, content)
    if content[:6] == b"\x93NUMPY" and rng.random() < 0.7:
        return npy_changed(rng, content)
    return raw_changed(rng, content)


def npy_changed(rng, data):
    """An array with another header: shape, type, order; or, where it is a text that is JSON, another tree."""
    length = int.from_bytes(data[8:10], "little")
    head, body = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
    if "<U" in head and rng.random() < 0.6:
        text = json_changed(rng, body.decode("utf-32-le").rstrip("\0").encode()).decode()
        before, after = head.split("<U", 1)
        head, body = f"{before}<U{len(text)}'{after.split(chr(39), 1)[1]}", text.encode("utf-32-le")
    else:
        old = head[head.index("(") : head.index(")") + 1]
        shapes = ("()", "(0,)", "(-1,)", "(3, 0, 2)", f"({2**40},)", f"({10**30},)", "(1, 1)", "(2**62,)", "(None,)",
                  "(" + "1," * 40 + ")", "(" + "9" * 5000 + ",)", f"({2**31}, {2**31}, {2**31})", "([1],)")
        types = ("|O", "<f2", ">f4", "<c8", "|V8", "<U9", "<M8[s]", "bogus", "<i8", "|b1", "<f16")
        head = rng.choice((
            head.replace(old, rng.choice(shapes)), head.replace("<f", rng.choice(("|O", ">f", "<c", "<i"))),
            head.replace("False", rng.choice(("True", "None", "0"))),
            head.replace(head.split("'")[3], rng.choice(types)) if head.count("'") > 3 else head,
            head[: len(head) // 2],
        ))
    head = head.rstrip("\n ") + "\n"
    return data[:8] + struct.pack("<H", len(head) % 65536) + head.encode("latin-1", "replace") + body


def unzipped_changed(rng, data):
    """Of a gzipped file, what it unpacks to; sometimes to very much."""
    content = gzip.decompress(data)
    content = raw_changed(rng, content) if rng.random() < 0.9 else content[:4] + b"\xff" * 4 + bytes(2**24)
    return gzip.compress(content, 1, mtime=0)


def packed_changed(rng, data):
    """Of a MATLAB file whose variables are compressed, one variable, unpacked and packed again."""
    out, at = bytearray(data[:128]), 128
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == 15 and rng.random() < 0.6:
            body = zlib.compress(raw_changed(rng, zlib.decompress(body)), 1)
        elif kind != 15 and rng.random() < 0.6:
            body = numbers_changed(rng, body)
        out += struct.pack("<II", kind, len(body)) + body
        at += 8 + length
    return bytes(out)


def chunk_changed(rng, data):
    """Of a PNG, one chunk, with the right checksum."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    number = rng.randrange(len(chunks))
    kind, content = chunks[number]
    if kind == b"IHDR":
        content = numbers_changed(rng, content)
    elif kind == b"IDAT" and rng.random() < 0.7:
        content = zlib.compress(raw_changed(rng, zlib.decompress(content)), 1)
    else:
        content = raw_changed(rng, content)
    chunks[number] = rng.choice((kind, kind, kind, b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"acTL")), content
    return png(chunks)


def png(chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")
        for kind, content in chunks)


def record_changed(rng, data):
    """Of a picture of ours, the record of how it was made."""
    start = data.index(b"tEXt" + KEY.encode()) - 4
    length = int.from_bytes(data[start : start + 4], "big")
    text = data[start + 8 + len(KEY) + 1 : start + 8 + length]
    content = KEY.encode() + b"\0" + json_changed(rng, text).replace(b"\0", b"")
    chunk = len(content).to_bytes(4, "big") + b"tEXt" + content + zlib.crc32(b"tEXt" + content).to_bytes(4, "big")
    return data[:start] + chunk + data[start + 12 + length :]


def header_changed(rng, data):
    """Of a safetensors file, the header."""
    length = int.from_bytes(data[:8], "little")
    header = json_changed(rng, data[8 : 8 + length])
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def block_changed(rng, data):
    """Of a log of blocks, one of them, with the right checksum."""
    blocks, at = [], 0
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        blocks.append(data[at + 12 : at + 12 + length])
        at += 12 + length
    number = rng.randrange(len(blocks))
    line, newline, rest = blocks[number].partition(b"\n")
    if rng.random() < 0.8:
        line = json_changed(rng, line)
    else:
        rest = raw_changed(rng, rest) if rest else rest
    blocks[number] = line + newline + rest
    return b"".join(len(b).to_bytes(8, "little") + zlib.crc32(b).to_bytes(4, "little") + b for b in blocks)


def text_changed(rng, data):
    """A text of other lines."""
    return rng.choice((data * 50, data.replace(b"\n", b"\n\n"), b"\xff\xfe" + data, data.decode().encode("utf-16"),
                       b"x" * 100_000, b"\n" * 1000, data + b"\xe2\x80\xa8\x00", "鵝\n".encode() * 5))


# ---- JSON ----

def json_changed(rng, data):
    """One to three values anywhere in the tree are others, missing, doubled or renamed; or it nests very deep."""
    tree = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = tree_changed(rng, tree)
    if rng.random() < 0.03:
        return b"[" * DEEP + b"]" * DEEP
    text = json.dumps(tree)
    if rng.random() < 0.05:
        text = text.replace("1", "1" * 5000, 1)         # more digits than Python turns into a number
    return text.encode()


def tree_changed(rng, tree):
    """The tree with one place changed."""
    if isinstance(tree, dict) and tree and rng.random() < 0.93:
        key = rng.choice(list(tree))
        what = rng.random()
        if what < 0.12:
            return {k: v for k, v in tree.items() if k != key}
        if what < 0.18:
            return {("x" if k == key else k): v for k, v in tree.items()}
        if what < 0.22:
            return {**tree, "extra": rng.choice(VALUES)}
        return {**tree, key: tree_changed(rng, tree[key])}
    if isinstance(tree, list) and tree and rng.random() < 0.93:
        at = rng.randrange(len(tree))
        what = rng.random()
        if what < 0.1:
            return tree[:at] + tree[at + 1 :]
        if what < 0.2:
            return [*tree[:at], tree[at], *tree[at:]]
        if what < 0.25:
            return tree[::-1]
        return [*tree[:at], tree_changed(rng, tree[at]), *tree[at + 1 :]]
    if isinstance(tree, str) and rng.random() < 0.3:
        return rng.choice(TEXTS)
    if isinstance(tree, int) and rng.random() < 0.5:
        return rng.choice((tree + 1, tree - 1, -tree, tree * 2, *NUMBERS))
    return rng.choice(VALUES)
