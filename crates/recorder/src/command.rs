//! What a command does to what it finds. Pure; the task of the path carries it out.

use catalog::{CommandAnswer, RecordCommand};
use domain::recording::State;

/// How recording stands when a command comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// A push feeds a recording, or will with its first key frame.
    Fed,
    /// A recording was stopped, and waits out its grace.
    Stopped,
    /// A recording waits for its publisher.
    Interrupted,
    /// There is no recording.
    Nothing,
}

impl Standing {
    /// By the state of the machine.
    pub const fn of(state: State) -> Self {
        match state {
            State::Waiting { .. } | State::Live { .. } => Self::Fed,
            State::Interrupted { stopped: true, .. } => Self::Stopped,
            State::Interrupted { .. } => Self::Interrupted,
            State::Ended => Self::Nothing,
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// Begin a recording of the push, from as far back as is asked for.
    Begin,
    /// What was stopped goes on, from as far back as is asked for.
    GoOn,
    /// What was stopped is sealed, and another recording begun.
    BeginAnew,
    /// The cycle is cut at the next possible point.
    Cut,
    /// No more is recorded for now.
    Stop,
    /// What waits is sealed now.
    Seal,
}

/// What a command does, or why it does nothing. `live`: a push is there.
pub const fn decide(command: RecordCommand, live: bool, standing: Standing) -> Result<Act, CommandAnswer> {
    use CommandAnswer::{AlreadyStarted, NotLive, NotStarted, NotStopped};
    use RecordCommand::{CancelDelay, Restart, Start, Stop};
    use Standing::{Fed, Interrupted, Nothing, Stopped};
    match (command, standing) {
        (Start | Restart, _) if !live => Err(NotLive),
        (Start, Fed) => Err(AlreadyStarted),
        (Start, Stopped) => Ok(Act::GoOn),
        (Start, Interrupted | Nothing) => Ok(Act::Begin),
        (Restart, Fed) => Ok(Act::Cut),
        (Restart, Stopped) => Ok(Act::BeginAnew),
        (Restart, Interrupted | Nothing) => Err(NotStarted),
        (Stop, Fed) => Ok(Act::Stop),
        (Stop, Interrupted) if !live => Ok(Act::Stop),
        (Stop, Stopped | Interrupted | Nothing) => Err(NotStarted),
        (CancelDelay, Fed) => Err(NotStopped),
        (CancelDelay, Stopped) => Ok(Act::Seal),
        (CancelDelay, Interrupted) if !live => Ok(Act::Seal),
        (CancelDelay, Interrupted | Nothing) => Err(NotStarted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecordCommand::{CancelDelay, Restart, Start, Stop};

    #[test]
    fn a_command_without_a_push_touches_only_what_waits() {
        for standing in [Standing::Stopped, Standing::Interrupted, Standing::Nothing] {
            assert_eq!(decide(Start, false, standing), Err(CommandAnswer::NotLive));
            assert_eq!(decide(Restart, false, standing), Err(CommandAnswer::NotLive));
        }
        assert_eq!(decide(Stop, false, Standing::Interrupted), Ok(Act::Stop));
        assert_eq!(decide(Stop, false, Standing::Stopped), Err(CommandAnswer::NotStarted));
        assert_eq!(decide(CancelDelay, false, Standing::Interrupted), Ok(Act::Seal));
        assert_eq!(decide(CancelDelay, false, Standing::Stopped), Ok(Act::Seal));
        assert_eq!(decide(CancelDelay, false, Standing::Nothing), Err(CommandAnswer::NotStarted));
    }

    #[test]
    fn a_second_start_and_a_delay_that_does_not_run_are_refused() {
        assert_eq!(decide(Start, true, Standing::Fed), Err(CommandAnswer::AlreadyStarted));
        assert_eq!(decide(CancelDelay, true, Standing::Fed), Err(CommandAnswer::NotStopped));
        assert_eq!(decide(Restart, true, Standing::Nothing), Err(CommandAnswer::NotStarted));
    }

    #[test]
    fn what_was_stopped_goes_on_with_a_start_and_is_an_asset_of_its_own_with_a_restart() {
        assert_eq!(decide(Start, true, Standing::Stopped), Ok(Act::GoOn));
        assert_eq!(decide(Restart, true, Standing::Stopped), Ok(Act::BeginAnew));
        assert_eq!(decide(Restart, true, Standing::Fed), Ok(Act::Cut));
    }
}
