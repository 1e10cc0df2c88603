"""Division that says what comes out where there is nothing to divide by."""

import numpy as np
from numpy.typing import NDArray


def ratio(
    above: NDArray[np.floating], below: NDArray[np.floating], otherwise: float = np.nan
) -> NDArray[np.float64]:
    """`above` / `below`, element by element, of shapes that go together; `otherwise` where `below` is 0."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found = np.full(shape, otherwise, dtype=np.float64)
    np.divide(above, below, out=found, where=np.broadcast_to(below != 0, shape))
    return found
