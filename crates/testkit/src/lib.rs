//! ffprobe judge, contract suites, a publisher that sends what it is told.
