from collections.abc import Callable
from typing import Literal, TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

def ensureDeferred(f: _F) -> _F: ...
def async_yield_fixture(
    *, scope: Literal["function", "module"] = "function"
) -> Callable[[_F], _F]: ...
