"""Which dict of a checkpoint holds the net: people save it bare, or beside the epoch, a metric, a second net.

    {"conv1.weight": ..., ...}                                      the state dict itself
    {"state_dict": {...}, "epoch": 3, "best_acc1": tensor(71.)}     one level down; a loose tensor is none of the net's
    {"student": {...}, "teacher": {...}}                            two nets: which one is meant must be said, --part
"""

from minivis.errors import BadFile, UnknownName
from minivis.weights.containers.unpickle import SAVE_PLAIN

ASIDE = ("optim", "sched", "criterion", "loss")         # words in the keys of dicts that are no net


def net_dict(value, path, is_tensor, part=None):
    """name -> tensor of the net in what was saved. Raise BadFile where there are several, or none."""
    if not isinstance(value, dict):
        raise BadFile(f"{path} holds a {type(value).__name__}, not a dict of weights: {SAVE_PLAIN}")
    inside = {str(key): found for key, some in value.items()
              if isinstance(some, dict) and is_net(found := tensors_in(some, is_tensor))}  # fmt: skip
    if part is not None:
        if part not in inside:
            raise UnknownName.of("part", part, inside)
        return inside[part]
    own = tensors_in(value, is_tensor)
    if is_net(own):
        return own
    nets = {key: found for key, found in inside.items() if not any(word in key.lower() for word in ASIDE)}
    if len(nets) > 1:
        raise BadFile(f"{path} holds {len(nets)} nets ({', '.join(nets)}): say which one is meant, as in --part "
                      f"{next(iter(nets))}")
    found = next(iter(nets.values()), own)
    if not found:
        raise BadFile(f"{path} holds no tensors: {SAVE_PLAIN}")
    return found


def tensors_in(value, is_tensor):
    return {str(key): found for key, found in value.items() if is_tensor(found)}


def is_net(tensors):
    """Whether there is a kernel or a matrix among them: a net has one, a metric or an optimiser's step has not."""
    return any(len(tensor.shape) > 1 for tensor in tensors.values())
