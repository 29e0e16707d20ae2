"""What a failed HTTP exchange says about whether its effect happened."""

from __future__ import annotations

import httpx


def definite(error: httpx.HTTPError) -> bool:
    """True when the request certainly never reached the service, so that nothing can have happened.

    Only a connection that was never made is certain; a reset, a timeout or a torn answer may have followed
    the effect.
    """
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol)


def name(error: httpx.HTTPError) -> str:
    """The error's class as a stable word for the history, e.g. `ReadTimeout`."""
    return type(error).__name__
