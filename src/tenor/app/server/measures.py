"""What the server counts, for Prometheus: requests by route and status, how long they took, jobs by state."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tenor.io.store import jobs
from tenor.io.store.database import Store

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Upper ends, in seconds."""


class Measures:
    """Counters of one server; a registry of their own, so that two servers in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter("tenor_requests", "Requests.", labels, registry=self.registry)
        self._seconds = Histogram(
            "tenor_request_seconds", "How long requests took.", ("route",), registry=self.registry, buckets=BUCKETS
        )
        self._jobs = Gauge("tenor_jobs", "Jobs by state.", ("state",), registry=self.registry)

    def counted(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; ``route`` is the template, never the path, so that labels stay few."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, store: Store) -> bytes:
        """Return everything in Prometheus' text format."""
        held = jobs.counts(store)
        for state in ("queued", "running", "done", "failed", "cancelled"):
            self._jobs.labels(state).set(held.get(state, 0))
        return generate_latest(self.registry)
