//! Who calls: the owner of the root key, of a key of the catalog, a user of the console, or a player with a key for one video; and what each
//! may call.

use std::net::IpAddr;
use std::time::Duration;

use catalog::{Role, StoredAccessKey};
use rpc::play_auth::TEMPORARY;
use rpc::{Call, Params, Refusal};
use units::{AssetId, WallTime};

use crate::access::Right;
use crate::codes::{Answer, ApiError, Code};
use crate::declare::Operation;
use crate::operations;
use crate::state::ApiState;

/// Who calls, once he is believed.
pub(crate) enum Caller {
    /// The owner of the root key of the configuration.
    Root,
    /// The owner of a key of the catalog.
    Owner(StoredAccessKey),
    /// A user of the console, whom it has believed.
    User { role: Role },
    /// A player with a temporary key for one video.
    Player { video: String },
}

impl Caller {
    /// What he is, for the audit log.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Root => Role::Admin.as_str(),
            Self::Owner(key) => key.role.as_str(),
            Self::User { role } => role.as_str(),
            Self::Player { .. } => "player",
        }
    }

    /// May he call this operation?
    pub(crate) fn may_call(&self, operation: &Operation, right: Right, params: &Params) -> Answer<()> {
        let role = match self {
            Self::Player { video } => return within_bounds(operation, params, video),
            Self::Root => Role::Admin,
            Self::Owner(key) => key.role,
            Self::User { role } => *role,
        };
        if right.access.admits(role) {
            return Ok(());
        }
        let who = if matches!(self, Self::User { .. }) { "user" } else { "access key" };
        let (name, role) = (operation.declaration.name, role.as_str());
        Err(Code::ForbiddenRam.because(format!("The {who} has the role {role}, which may not call {name}.")))
    }
}

/// Somebody asked, or failed to sign, too often.
pub(crate) fn throttled(what: &'static str, wait: Duration) -> ApiError {
    metrics::counter!("reprise_api_throttled_total", "what" => what).increment(1);
    let retry_after = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1));
    let message = format!("Too many requests: try again in {} s.", retry_after.as_secs().saturating_add(1));
    ApiError { retry_after: Some(retry_after), ..Code::ThrottlingUser.because(message) }
}

/// Is the call signed by someone we know, now?
///
/// Who failed too often is not listened to for a while: with wrong signatures for one key from one address, with keys that do not exist or
/// with temporary ones from one address. So nobody can lock out the owner of a key who asks from elsewhere.
pub(crate) async fn believe(state: &ApiState, call: &Call, address: Option<IpAddr>, now: WallTime) -> Answer<Caller> {
    let neighbourhood = door::neighbourhood(address);
    let mono = (state.mono)();
    let known = match &state.issuer {
        Some(_) if call.access_key_id.starts_with(TEMPORARY) => None,
        _ => Some(key_of(state, &call.access_key_id).await?),
    };
    // Keys that do not exist are counted as one, and so are temporary ones: there are as many of both as somebody likes.
    let of_key = match known {
        Some(Some(_)) => call.access_key_id.as_str(),
        Some(None) => "",
        None => TEMPORARY,
    };
    let who = format!("{of_key}\n{neighbourhood}");
    state.throttle.may_fail(&who, mono).map_err(|wait| throttled("failures", wait))?;
    let believed = match (known, &state.issuer) {
        (Some(None), _) => Err(Code::InvalidAccessKeyNotFound.into()),
        (Some(Some((caller, secret))), _) => {
            call.check_clock(now)?;
            call.verify(&secret).map(|()| caller).map_err(ApiError::from)
        }
        (None, Some(issuer)) => issuer
            .read(&call.access_key_id, call.security_token(), now)
            .map_err(Refusal::from)
            .and_then(|key| {
                call.check_clock(now)?;
                call.verify_temporary(&key.access_key_secret)?;
                Ok(Caller::Player { video: key.video })
            })
            .map_err(ApiError::from),
        (None, None) => Err(Code::InternalError.into()),
    };
    let believed = match believed {
        Ok(believed) => believed,
        Err(error) => {
            if is_guess(error.code) {
                state.throttle.failed(&who, mono);
            }
            return Err(error);
        }
    };
    match &believed {
        Caller::Owner(key) if !key.active => Err(Code::InvalidAccessKeyInactive.into()),
        _ => Ok(believed),
    }
}

/// Whether a refusal tells somebody who guesses that he has guessed wrong.
fn is_guess(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidAccessKeyNotFound
            | Code::SignatureDoesNotMatch
            | Code::MissingSecurityToken
            | Code::SecurityTokenMalformed
            | Code::SecurityTokenMismatch
    )
}

/// The owner of a key, and its secret. The catalog is asked each time: a key that is disabled or deleted stops at once, on every node.
async fn key_of(state: &ApiState, id: &str) -> Answer<Option<(Caller, String)>> {
    if let Some(root) = state.keys.iter().find(|key| key.id == id) {
        return Ok(Some((Caller::Root, root.secret.clone())));
    }
    let key = state.catalog.access_key(id).await?;
    Ok(key.map(|key| {
        let secret = key.secret.clone();
        (Caller::Owner(key), secret)
    }))
}

/// A temporary key asks how its video is played, and nothing else.
fn within_bounds(operation: &Operation, params: &Params, video: &str) -> Answer<()> {
    let asks_for = |id: &str| id.parse::<AssetId>().is_ok_and(|asked| Ok(asked) == video.parse());
    let is_play_info = operation.declaration == operations::PLAY_INFO;
    if is_play_info && params.filled("VideoId").is_some_and(asks_for) && params.filled("ReferenceId").is_none() {
        return Ok(());
    }
    Err(Code::ForbiddenRam.because("The temporary access key may only call GetPlayInfo, and only for its own VideoId."))
}
