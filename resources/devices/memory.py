"""How much is computed at once on a device, by the memory that a small part of it was seen to take.

Sizes are counts of whatever memory grows with, such as edges of crystals. What does not fit all the same is for the
caller to halve.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

# What is measured first, small enough for any GPU; sizes are this times a power of two, so that about the same memory
# gives the same batches, and with them the same last digits.
PROBE: Final = 12_500
# Memory in pieces, and what others take meanwhile.
_MARGIN: Final = 0.7


class MemoryMeter(Protocol):
    """Tells of a device's memory, in bytes."""

    def begin(self) -> None:
        """Watch from now on."""

    def peak(self) -> int:
        """Return how much more than at the beginning was taken at once."""

    def free(self) -> int:
        """Return how much can be taken still."""


@dataclass(frozen=True)
class CudaMeter:
    """What torch has taken of a GPU in this process, and what is left of it.

    Attributes
    ----------
    device
        Such as ``cuda:0``.
    """

    device: str
    _before: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """Forget earlier peaks."""
        import torch

        torch.cuda.reset_peak_memory_stats(self.device)
        self._before[:] = [torch.cuda.memory_allocated(self.device)]

    def peak(self) -> int:
        """Return the peak of torch's tensors since then."""
        import torch

        return torch.cuda.max_memory_allocated(self.device) - self._before[0]

    def free(self) -> int:
        """Return what nobody has, with what torch holds and does not use."""
        import torch

        unused = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return int(torch.cuda.mem_get_info(self.device)[0]) + unused


@dataclass
class BatchSizer:
    """The largest batch that is tried.

    Attributes
    ----------
    budget
        Its size as far as is known now.
    most
        A larger one gains nothing.
    meter
        None where the size is not measured.
    """

    budget: int
    most: int
    meter: MemoryMeter | None = None
    _is_measured: bool = False

    @classmethod
    def fixed(cls, size: int) -> Self:
        """Return one that measures nothing."""
        return cls(size, size)

    @classmethod
    def measuring(cls, meter: MemoryMeter, most: int) -> Self:
        """Return one that begins small and grows by what is measured, up to ``most``."""
        return cls(min(PROBE, most), most, meter)

    @property
    def wants_probe(self) -> bool:
        """Whether a first, small batch is to be measured."""
        return self.meter is not None and not self._is_measured

    @contextmanager
    def probing(self, size: int) -> Iterator[None]:
        """Measure what a batch takes that is computed meanwhile; one that had to be cut tells nothing."""
        if self.meter is None or size <= 0:
            yield
            return
        before = self.budget
        self.meter.begin()
        yield
        if self.budget == before:
            self._is_measured = True
            peak = self.meter.peak()
            fitting = self.most if peak <= 0 else int(_MARGIN * self.meter.free() * size / peak)
            while self.budget * 2 <= min(fitting, self.most):
                self.budget *= 2
            if fitting < self.budget:
                self.budget = max(fitting, 1)

    def shrink(self, size: int) -> None:
        """Try nothing larger any more."""
        self.budget = max(1, min(self.budget, size))
        self._is_measured = True
