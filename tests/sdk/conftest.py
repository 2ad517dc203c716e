"""Prints the counts in the form that `cargo xtask test` adds up."""


def pytest_terminal_summary(terminalreporter):
    count = {name: len(terminalreporter.getreports(name)) for name in ("passed", "failed", "error", "skipped")}
    failed = count["failed"] + count["error"]
    terminalreporter.write_line(f"{count['passed']} passed, {failed} failed, {count['skipped']} skipped")
