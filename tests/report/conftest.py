import pytest
from reported_run import ReportedRun


@pytest.fixture
def project(pytester):
    return ReportedRun(pytester)
