//! Whether a push is recorded, and by which rule; and the commands that somebody gives meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use catalog::{CatalogError, CommandAnswer, OpenCommand};
use domain::rule::{self, OnDemand, RecordRule};
use hub::PushInfo;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use units::{StreamPath, WallTime};

use crate::Deps;
use crate::answer::RecordAnswer;

/// How often commands that other processes took are looked for; those of this process are told at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The parameter of a push URL that says whether to record, when the rule leaves it to the publisher (contract §3.5).
const PUSH_PARAMETER: &str = "record_config";

/// The rule by which a push is recorded from its beginning; `None`: it is not, for now. It holds for the whole recording.
/// A catalog that does not answer must not lose a push: it is asked until it does.
pub(crate) async fn rule_at_publish(deps: &Deps, info: &PushInfo) -> Option<RecordRule> {
    loop {
        match try_rule_at_publish(deps, info).await {
            Ok(rule) => return rule,
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "catalog unavailable; the push waits in its queue");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the rules cannot be read; the push is not recorded"
                );
                return None;
            }
        }
    }
}

async fn try_rule_at_publish(deps: &Deps, info: &PushInfo) -> Result<Option<RecordRule>, CatalogError> {
    let push = info.push;
    let Some(rule) = rule_of(deps, &info.path).await? else {
        tracing::info!(%push, "no rule records this stream");
        return Ok(None);
    };
    match rule.on_demand {
        OnDemand::Automatic => Ok(Some(rule)),
        OnDemand::PushParameters => {
            let asked = url::form_urlencoded::parse(info.params.as_bytes())
                .find(|(name, _)| name == PUSH_PARAMETER)
                .map(|(_, value)| RecordAnswer::parse(&value));
            match asked {
                Some(Ok(answer)) => {
                    let rule = answer.applied_to(rule);
                    if rule.is_none() {
                        tracing::info!(%push, "the push parameters want no recording");
                    }
                    Ok(rule)
                }
                Some(Err(error)) => {
                    tracing::warn!(%push, %error, "the push parameters cannot be read; the push is not recorded");
                    Ok(None)
                }
                None => {
                    tracing::info!(%push, "the push parameters do not ask for a recording");
                    Ok(None)
                }
            }
        }
        // A start that nothing was recorded of yet is for the stream, not for the connection that it was given in.
        OnDemand::Manual => {
            let since = WallTime::from_unix_ms(
                info.started.unix_ms.saturating_sub(i64::try_from(rule.grace.as_millis()).unwrap_or(i64::MAX)),
            );
            let stands = deps.catalog.start_stands(&info.path, since).await?;
            if !stands {
                tracing::info!(%push, "the stream is recorded on command only");
            }
            Ok(stands.then_some(rule))
        }
        OnDemand::AskCallback => Ok(None),
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
