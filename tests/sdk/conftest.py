"""What all tests share; prints the counts in the form that `cargo xtask test` adds up."""

import pytest

import drivers


@pytest.fixture(scope="module", params=drivers.NAMES)
def sdk(request):
    """Each of the SDKs in turn."""
    driver = drivers.make(request.param)
    yield driver
    if hasattr(driver, "close"):
        driver.close()


def pytest_terminal_summary(terminalreporter):
    count = {name: len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error", "skipped")}
    failed = count["failed"] + count["error"]
    terminalreporter.write_line(f"{count['passed']} passed, {failed} failed, {count['skipped']} skipped")
