//! Whether a push is recorded, and by which rule; and the commands that somebody gives meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use catalog::{CatalogError, CommandAnswer, OpenCommand, QuestionOutcome};
use domain::rule::{self, OnDemand, RecordRule};
use hub::PushInfo;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use units::{PushId, StreamPath, WallTime};

use crate::Deps;
use crate::answer::RecordAnswer;

/// How often commands that other processes took are looked for; those of this process are told at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Pause before a catalog that does not answer is asked again.
const CATALOG_WAIT: Duration = Duration::from_millis(200);
/// How long the frames of a push wait for the answer whether to record it: three attempts of 5 s, a second apart, and some
/// time to get to them.
const ANSWER_WAIT: Duration = Duration::from_secs(25);
/// The parameter of a push URL that says whether to record, when the rule leaves it to the publisher (contract §3.5).
const PUSH_PARAMETER: &str = "record_config";

/// What becomes of a push that was just accepted.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Decision {
    /// It is recorded by this rule, which holds for the whole recording.
    Record(RecordRule),
    /// It is not, until somebody asks for it; so much of it is kept for that.
    Wait {
        /// See [`RecordRule::safety_buffer`].
        safety_buffer: Duration,
    },
    /// The customer is asked; the frames wait for [`answer_to`].
    Ask(RecordRule),
}

/// Without a rule nothing says that anything is kept.
const NOT_KEPT: Decision = Decision::Wait { safety_buffer: Duration::ZERO };

/// Decides, by the rules as they stand now. A catalog that does not answer must not lose a push: it is asked until it does.
pub(crate) async fn at_publish(deps: &Deps, info: &PushInfo) -> Decision {
    loop {
        match try_at_publish(deps, info).await {
            Ok(decision) => return decision,
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "catalog unavailable; the push waits in its queue");
                tokio::time::sleep(CATALOG_WAIT).await;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the rules cannot be read; the push is not recorded"
                );
                return NOT_KEPT;
            }
        }
    }
}

async fn try_at_publish(deps: &Deps, info: &PushInfo) -> Result<Decision, CatalogError> {
    let push = info.push;
    let Some(rule) = rule_of(deps, &info.path).await? else {
        tracing::info!(%push, "no rule records this stream");
        return Ok(NOT_KEPT);
    };
    let wait = Decision::Wait { safety_buffer: rule.safety_buffer };
    match rule.on_demand {
        OnDemand::Automatic => Ok(Decision::Record(rule)),
        OnDemand::PushParameters => Ok(match by_push_parameters(info, rule) {
            Some(rule) => Decision::Record(rule),
            None => wait,
        }),
        // A start that nothing was recorded of yet is for the stream, not for the connection that it was given in.
        OnDemand::Manual => {
            let grace_ms = i64::try_from(rule.grace.as_millis()).unwrap_or(i64::MAX);
            let since = WallTime::from_unix_ms(info.started.unix_ms.saturating_sub(grace_ms));
            if deps.catalog.start_stands(&info.path, since).await? {
                return Ok(Decision::Record(rule));
            }
            tracing::info!(%push, "the stream is recorded on command only");
            Ok(wait)
        }
        OnDemand::AskCallback => {
            deps.catalog.ask_to_record(push, info.started).await?;
            Ok(Decision::Ask(rule))
        }
    }
}

/// What the publisher itself says.
fn by_push_parameters(info: &PushInfo, rule: RecordRule) -> Option<RecordRule> {
    let push = info.push;
    let asked =
        url::form_urlencoded::parse(info.params.as_bytes()).find(|(name, _)| name == PUSH_PARAMETER).map(|(_, v)| v);
    let Some(asked) = asked else {
        tracing::info!(%push, "the push parameters do not ask for a recording");
        return None;
    };
    match RecordAnswer::parse(&asked) {
        Ok(answer) => {
            let rule = answer.applied_to(rule);
            if rule.is_none() {
                tracing::info!(%push, "the push parameters want no recording");
            }
            rule
        }
        Err(error) => {
            tracing::warn!(%push, %error, "the push parameters cannot be read; the push is not recorded");
            None
        }
    }
}

/// Waits for what the customer says; `None`: no recording, or no answer in time. Who does not answer is not recorded: the
/// customer made the recording depend on the answer. A command may still start it.
pub(crate) async fn answer_to(deps: Deps, push: PushId, rule: RecordRule) -> Option<RecordRule> {
    let Ok(answer) = tokio::time::timeout(ANSWER_WAIT, spoken(&deps, push)).await else {
        tracing::warn!(%push, "nobody said whether to record in time; the push is not recorded");
        return None;
    };
    match answer.map(|text| RecordAnswer::parse(&text)) {
        Ok(Ok(answer)) => {
            let rule = answer.applied_to(rule);
            tracing::info!(%push, record = rule.is_some(), "the customer was asked whether to record");
            rule
        }
        Ok(Err(error)) => {
            tracing::warn!(%push, %error, "the answer whether to record cannot be read; the push is not recorded");
            None
        }
        Err(why) => {
            tracing::warn!(%push, why, "nobody said whether to record; the push is not recorded");
            None
        }
    }
}

/// The answer as it was spoken, or why there is none.
async fn spoken(deps: &Deps, push: PushId) -> Result<String, String> {
    loop {
        let news = deps.catalog.command_news();
        match deps.catalog.record_answer(push).await {
            Ok(Some((QuestionOutcome::Answered, text))) => return Ok(text),
            Ok(Some((QuestionOutcome::Unanswered, why))) => return Err(why),
            Ok(None) => {}
            Err(error) => tracing::warn!(%push, %error, "an answer cannot be looked for"),
        }
        tokio::select! {
            () = news => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// The rule by which a push is recorded when somebody asks for it, whatever its rule says of recording by itself.
pub(crate) async fn rule_on_command(deps: &Deps, path: &StreamPath) -> Result<Option<RecordRule>, CatalogError> {
    let rule = rule_of(deps, path).await;
    if let Err(error) = &rule {
        tracing::error!(error = error as &dyn std::error::Error, "the rules cannot be read; recording is not begun");
    }
    rule
}

async fn rule_of(deps: &Deps, path: &StreamPath) -> Result<Option<RecordRule>, CatalogError> {
    let rules = deps.catalog.rules_for_domain(path.domain()).await?;
    Ok(rule::select(&rules, path).cloned())
}

/// Answers a command of which no rows are owed. One that cannot be answered is withdrawn by whoever gave it.
pub(crate) async fn answer(deps: &Deps, seq: i64, answer: CommandAnswer, at: WallTime) {
    if let Err(error) = deps.catalog.answer_command(seq, answer, at).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a command cannot be answered");
    }
}

/// Hands over the commands for this node, each once, in order, until `stop`.
pub(crate) async fn watch(deps: Deps, commands: mpsc::Sender<OpenCommand>, stop: CancellationToken) {
    let mut handed = BTreeSet::new();
    let mut healthy = true;
    loop {
        let news = deps.catalog.command_news();
        let open = deps.catalog.open_commands(&deps.settings.node).await;
        // Told once when it begins and once when it is over, not twice a second.
        match &open {
            Err(error) if healthy => {
                tracing::warn!(error = error as &dyn std::error::Error, "commands cannot be looked for");
            }
            Ok(_) if !healthy => tracing::info!("commands are looked for again"),
            Ok(_) | Err(_) => {}
        }
        healthy = open.is_ok();
        if let Ok(open) = open {
            let listed: BTreeSet<i64> = open.iter().map(|command| command.seq).collect();
            handed.retain(|seq| listed.contains(seq));
            for command in open {
                if handed.insert(command.seq) && commands.send(command).await.is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = news => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
