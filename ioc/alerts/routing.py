"""Find the routes that an alert stays at, and the group in which they notify of it."""

from collections.abc import Iterator, Mapping

from ioc.model.matcher import all_accept
from ioc.model.routing import ALL_LABELS, Route


def routes_for(route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    """Yield the routes at which an alert that has reached `route` stays; at least one."""
    stays_here = True
    for child in route.routes:
        if all_accept(child.matchers, labels):
            stays_here = False
            yield from routes_for(child, labels)
            if not child.goes_on:
                break
    if stays_here:
        yield route


def group_labels(route: Route, labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that alerts of one group share; an absent label counts as empty."""
    names = sorted(labels) if ALL_LABELS in route.group_by else route.group_by
    return {name: labels.get(name, "") for name in names}


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    """Return the key of an alert's group at a route."""
    return f"{route.id}{{{', '.join(f'{name}={value!r}' for name, value in group_labels(route, labels).items())}}}"
