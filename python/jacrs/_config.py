"""Settings of this process."""

from __future__ import annotations

from jacrs import _jacrs


class Config:
    """Settings of this process, as attributes of `jacrs.config`.

    Examples
    --------
    >>> import jacrs
    >>> jacrs.config.memory_limit = 2**30
    >>> jacrs.config.memory_limit
    1073741824
    >>> jacrs.config.memory_limit = None
    """

    __slots__ = ()

    @property
    def memory_limit(self) -> int | None:
        """Bytes that one call may take; set it to None for what the machine has at hand."""
        return _jacrs.memory_limit()

    @memory_limit.setter
    def memory_limit(self, limit: int | None) -> None:
        _jacrs.set_memory_limit(limit)


config = Config()
