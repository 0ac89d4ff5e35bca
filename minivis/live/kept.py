"""What jobs have worked out for everybody, within a limit of memory: what was asked for longest ago goes first."""

import threading
from collections import OrderedDict
from typing import Any


class Kept:
    """key -> bytes or an array. ``most``: bytes of all together. Any number of threads may use it at once."""

    def __init__(self, most: int = 16_000_000) -> None:
        self.most, self.size = most, 0
        self.values: OrderedDict[Any, Any] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """The value, or None."""
        with self.lock:
            if key in self.values:
                self.values.move_to_end(key)
            return self.values.get(key)

    def put(self, key: Any, value: Any) -> None:
        with self.lock:
            self.size += size_of(value) - size_of(self.values.pop(key, b""))
            self.values[key] = value
            while self.size > self.most:
                self.size -= size_of(self.values.popitem(last=False)[1])


def size_of(value: Any) -> int:
    return len(value) if isinstance(value, bytes) else value.nbytes
