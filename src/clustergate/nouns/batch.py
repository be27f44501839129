"""How far a batch of requests is."""

from __future__ import annotations

from dataclasses import dataclass

from clustergate.nouns.errors import ClustergateError


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """A batch at its provider. `answered` of `total` requests are done; once it has `ended` its results can be read.

    `refusal` is why the provider took none of it: TransientFault where it may take it another time (`rate_limited`
    where it was too much at once), EndpointRejected where it will not.
    """

    answered: int
    total: int
    ended: bool
    refusal: ClustergateError | None = None
