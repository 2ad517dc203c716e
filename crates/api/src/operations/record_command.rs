//! Recording on command: starting, stopping and cutting the recording of one stream.

use std::time::Duration;

use catalog::{CommandAnswer, RecordCommand};
use rpc::param::Int;

use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, NameText, stream_path};

/// How long a command waits for the recorder of the stream's node: one that is there answers within a second.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// How often the answer of another process is looked for; one of this process is told at once.
const LOOK_EVERY: Duration = Duration::from_millis(100);

choice! {
    /// What is asked of a recording.
    Command {
        /// Record what is pushed now, whatever the rule says of recording by itself; what was stopped goes on.
        Start = "start",
        /// Record no more. The video is made when DelayTime is over, unless recording is started again before.
        Stop = "stop",
        /// Make the video of what was stopped, or of what waits for its publisher, now.
        CancelDelay = "cancel_delay",
        /// Make a video of what was recorded so far, and begin another.
        Restart = "restart",
    }
}

operations! {
    /// Starts, stops or cuts the recording of one stream. Answered when it is carried out.
    Live T1 RealTimeRecordCommand => real_time_record_command {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream; one, without wildcards.
        StreamName => stream_name: NameText,
        /// `start`, `stop`, `cancel_delay` or `restart`.
        Command => command: Command,
        /// An extension: a `start` begins so many seconds before now, as far as the rule's SafetyBuffer has kept them.
        ReachBack => reach_back: Int<0, 3600> = 0,
    }
}

async fn real_time_record_command(context: &Context, input: RealTimeRecordCommand) -> Answer<Done> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let command = match input.command {
        Command::Start => RecordCommand::Start,
        Command::Stop => RecordCommand::Stop,
        Command::CancelDelay => RecordCommand::CancelDelay,
        Command::Restart => RecordCommand::Restart,
    };
    let reach_back = Duration::from_secs(u64::try_from(input.reach_back).unwrap_or(0));
    let given = context.catalog.give_command(&path, command, reach_back, context.now).await?;
    let Some(seq) = given else { return refusal(CommandAnswer::NotLive).map_or(Ok(Done {}), Err) };
    match answer_of(context, seq).await? {
        Some(answer) => refusal(answer).map_or(Ok(Done {}), Err),
        None => Err(Code::ServiceUnavailable.because("The recorder of the stream does not answer. Try again later.")),
    }
}

/// What the recorder says; `None`: nothing, and the command is withdrawn.
async fn answer_of(context: &Context, seq: i64) -> Answer<Option<CommandAnswer>> {
    let answered = async {
        loop {
            let news = context.catalog.command_news();
            if let Some(answer) = context.catalog.command_answer(seq).await? {
                return Ok::<_, ApiError>(answer);
            }
            tokio::select! {
                () = news => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    };
    match tokio::time::timeout(ANSWER_WAIT, answered).await {
        Ok(answer) => answer.map(Some),
        Err(_) if context.catalog.withdraw_command(seq).await? => Ok(None),
        // It came between the last look and now.
        Err(_) => Ok(context.catalog.command_answer(seq).await?),
    }
}

/// The error that an answer is to the caller, if it is one.
fn refusal(answer: CommandAnswer) -> Option<ApiError> {
    match answer {
        CommandAnswer::Done => None,
        CommandAnswer::AlreadyStarted => Some(Code::TaskAlreadyStarted.into()),
        CommandAnswer::NotStarted => Some(Code::TaskNotStarted.into()),
        CommandAnswer::NotStopped => Some(Code::TaskNotStopped.into()),
        CommandAnswer::NotLive => Some(Code::InvalidStreamNotFound.because("Nobody pushes the stream.")),
        CommandAnswer::NoRule => Some(Code::ConfigNotFound.because("No record rule fits the stream.")),
        CommandAnswer::Failed => Some(Code::InternalError.into()),
    }
}
