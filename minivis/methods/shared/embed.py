"""Places in the plane for many vectors, so that those alike are close: t-SNE (van der Maaten & Hinton 2008)."""

from typing import Any

import numpy as np

from minivis.errors import BadValue

DIMENSIONS = 50                                 # after PCA


def embed(codes: Any, perplexity: float = 50.0, seed: Any = 0) -> tuple[Any, Any, float]:
    """(places (N, 2) in 0..1, the perplexity used, the Kullback-Leibler divergence): PCA to 50, then t-SNE.

    In one thread: sums formed by several would differ in their last bits from run to run.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if not perplexity > 0:
        raise BadValue(f"a perplexity is above 0, not {perplexity:g}")
    codes = np.asarray(codes, np.float64)
    used = min(float(perplexity), float(max(1, (len(codes) - 1) // 3)))
    scale = codes.std()
    if not codes.std(axis=0).any():
        raise BadValue("all these codes are the same: there is nothing to map")
    with threadpool_limits(1):
        reduced = PCA(min(DIMENSIONS, *codes.shape), svd_solver="full").fit_transform(codes / scale)
        start = reduced[:, :2] if reduced.shape[1] > 1 else np.column_stack([reduced, np.zeros(len(reduced))])
        start = 1e-4 * start / (start[:, 0].std() or 1)
        model = TSNE(perplexity=used, init=start, learning_rate="auto", random_state=seed)
        places = model.fit_transform(reduced).astype(np.float64)
    low, span = places.min(axis=0), float(np.ptp(places, axis=0).max()) or 1.0
    centred = (places - low) / span
    return centred + (1 - centred.max(axis=0)) / 2, used, float(model.kl_divergence_)
