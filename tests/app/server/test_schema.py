"""What the description says is what the server does: drawn requests, held to the OpenAPI document by schemathesis.

Every answer has a status and a body that the description allows, and none is a failure of the server.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

LEFT_OUT = ("/run", "/rerun", "/predict", "/data/pull", "/events")
"""Ends of paths that start jobs, or that stream: they are tested by hand."""

HELD = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.slow
def test_drawn_requests_are_answered_as_described(served: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(LEFT_OUT):
            continue
        asked += 1

        @settings(max_examples=6, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def drawn(case: Any) -> None:
            case.call_and_validate(base_url=served.url, checks=HELD)

        drawn()
    assert asked > 25
