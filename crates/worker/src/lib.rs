//! Runs jobs: callbacks, live notifications, analysis.
