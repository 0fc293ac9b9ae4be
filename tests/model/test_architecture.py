"""Settings of networks: rates and counts that are none are refused, and what answers in numpy answers the same."""

import pytest

from tenor.errors import StudyError
from tenor.model.architecture import check_count, check_rate


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_a_rate_outside_its_range_is_refused(rate: float) -> None:
    with pytest.raises(StudyError, match=r"LSTM.dropout is .* lies in \[0, 1\)"):
        check_rate("LSTM.dropout", rate)


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(StudyError, match=r"LSTM.hidden is .* 1 or more"):
        check_count("LSTM.hidden", count)
