"""From method and path to a codec's route."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mock_llm.codecs.protocol import Codec, Route

Found = tuple[Codec, Route, dict[str, str]]
_EMPTY: dict[str, str] = {}


class Router:
    """Literal paths by dictionary, templates by regular expression; routes that ask for a header first."""

    def __init__(self, codecs: Iterable[Codec]) -> None:
        self._literal: dict[tuple[str, str], list[Found]] = {}
        self._templates: list[tuple[str, re.Pattern[str], Codec, Route]] = []
        for codec in codecs:
            for route in codec.routes:
                if "{" in route.path:
                    self._templates.append((route.method, _compiled(route.path), codec, route))
                else:
                    self._literal.setdefault((route.method, route.path), []).append((codec, route, _EMPTY))
        for found in self._literal.values():
            found.sort(key=lambda item: item[1].header is None)
        self._templates.sort(key=lambda item: item[3].header is None)

    def find(self, method: str, path: str, headers: Mapping[bytes, bytes]) -> Found | None:
        """The codec, its route and what the placeholders matched."""
        for found in self._literal.get((method, path), ()):
            header = found[1].header
            if header is None or header in headers:
                return found
        for wanted, pattern, codec, route in self._templates:
            if wanted == method and (route.header is None or route.header in headers):
                match = pattern.fullmatch(path)
                if match is not None:
                    return codec, route, match.groupdict()
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that a path knows."""
        found = {method for method, literal in self._literal if literal == path}
        found |= {method for method, pattern, _, _ in self._templates if pattern.fullmatch(path)}
        return sorted(found)


def _compiled(path: str) -> re.Pattern[str]:
    out, at = "", 0
    for hole in re.finditer(r"\{(\w+)(:path)?\}", path):
        out += re.escape(path[at : hole.start()])
        out += f"(?P<{hole[1]}>{'.+' if hole[2] else '[^/:]+'})"
        at = hole.end()
    return re.compile(out + re.escape(path[at:]))
