//! Accepts pushes, drives the protocol machines, feeds the hub.
