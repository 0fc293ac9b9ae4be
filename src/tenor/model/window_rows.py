"""Windows that share their sessions: each session once, and where each window ends.

Twenty sessions of 158 factors for a market of three hundred names and ten years are twelve gigabytes laid out, and one
as rows. Who needs a few windows lays them out; who trains on all gathers them batch by batch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenor.units import AnyArray, Floats32


@dataclass(frozen=True, slots=True, eq=False)
class WindowRows:
    """Windows that are not laid out: window ``i`` is ``rows[ends[i] - time + 1 .. ends[i]]``.

    Parameters
    ----------
    rows
        ``(row, feature)``, float32.
    ends
        ``(window,)``.
    time
        Sessions of a window.
    """

    rows: Floats32
    ends: AnyArray
    time: int

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of the windows laid out."""
        return (len(self.ends), self.time, self.rows.shape[1])

    @property
    def ndim(self) -> int:
        """Three, as of windows."""
        return 3

    @property
    def dtype(self) -> Any:
        """That of the rows."""
        return self.rows.dtype

    def laid(self) -> Floats32:
        """Return the windows laid out."""
        found: Floats32 = self.rows[self.ends[:, None] + np.arange(1 - self.time, 1)]
        return found
