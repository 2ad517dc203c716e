//! One module per action, wire to domain.
