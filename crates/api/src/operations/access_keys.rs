//! Keys with which requests are signed: operations of our own, in the words of the vendor's access management.

use catalog::{AccessKeyChange, Role, StoredAccessKey, random_text};
use rpc::ParamError;
use rpc::param::{Filled, Text};
use schemars::JsonSchema;
use serde::Serialize;
use units::WallTime;

use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;

/// Most keys of an installation.
const KEYS_MAX: u64 = 1_000;
/// With what ids begin: the root key's does, too.
const ID_PREFIX: &str = "RP";
/// Random characters of an id, behind that: 95 bits.
const ID_CHARACTERS: usize = 16;
/// Characters of a secret: 178 bits, more than HMAC-SHA1 has strength.
const SECRET_CHARACTERS: usize = 30;

choice! {
    /// What the owner of a key may do.
    KeyRole {
        /// Everything.
        Admin = "admin",
        /// All with streams and videos.
        Operator = "operator",
        /// Look, and ask how something is played.
        Viewer = "viewer",
        /// Start streams, and look at streams.
        Publisher = "publisher",
    }
}

choice! {
    /// Whether a key is believed.
    KeyStatus {
        /// It is.
        Active = "Active",
        /// It is not.
        Inactive = "Inactive",
    }
}

operations! {
    /// Makes an access key. Its secret is told in this answer and never again.
    Vod Own CreateAccessKey => create_access_key {
        /// What its owner may do.
        Role => role: KeyRole,
        /// What it is called, for people; several may be called alike.
        UserName => name: Option<Text<64>>,
    }

    /// Lists access keys without their secrets, the oldest first. The root key of the configuration is not among them.
    Vod Own ListAccessKeys => list_access_keys {
        /// Only keys that are called so.
        UserName => name: Option<Filled<64>>,
    }

    /// Disables a key, enables it again, gives it another role or name. What is absent stays. It holds from the next call on.
    Vod Own UpdateAccessKey => update_access_key {
        /// The key.
        UserAccessKeyId => id: Filled<128>,
        /// Whether it is believed.
        Status => status: Option<KeyStatus>,
        /// What its owner may do.
        Role => role: Option<KeyRole>,
        /// What it is called.
        UserName => name: Option<Text<64>>,
    }

    /// Deletes a key. It holds from the next call on.
    Vod Own DeleteAccessKey => delete_access_key {
        /// The key.
        UserAccessKeyId => id: Filled<128>,
    }
}

impl KeyRole {
    fn stored(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Operator => Role::Operator,
            Self::Viewer => Role::Viewer,
            Self::Publisher => Role::Publisher,
        }
    }
}

fn word(active: bool) -> &'static str {
    if active { KeyStatus::Active } else { KeyStatus::Inactive }.as_str()
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Created {
    access_key: CreatedKey,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct CreatedKey {
    access_key_id: String,
    access_key_secret: String,
    create_date: String,
    role: &'static str,
    status: &'static str,
    user_name: String,
}

async fn create_access_key(context: &Context, input: CreateAccessKey) -> Answer<Created> {
    let key = StoredAccessKey {
        id: format!("{ID_PREFIX}{}", random_text(ID_CHARACTERS)),
        secret: random_text(SECRET_CHARACTERS),
        role: input.role.stored(),
        name: input.name.unwrap_or_default(),
        active: true,
        created: context.now,
        last_used: None,
    };
    if !context.catalog.add_access_key(&key, KEYS_MAX).await? {
        return Err(Code::AccessKeyLimitExceeded.because(format!("There are {KEYS_MAX} access keys already.")));
    }
    Ok(Created {
        access_key: CreatedKey {
            access_key_id: key.id,
            access_key_secret: key.secret,
            create_date: key.created.to_iso8601(),
            role: key.role.as_str(),
            status: word(key.active),
            user_name: key.name,
        },
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    access_keys: Keys,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key: Vec<ListedKey>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    access_key_id: String,
    create_date: String,
    /// To a minute; absent before the first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_date: Option<String>,
    role: &'static str,
    status: &'static str,
    user_name: String,
}

async fn list_access_keys(context: &Context, input: ListAccessKeys) -> Answer<Listed> {
    let keys = context.catalog.access_keys(input.name.as_deref()).await?;
    let told = keys.into_iter().map(|key| ListedKey {
        access_key_id: key.id,
        create_date: key.created.to_iso8601(),
        last_used_date: key.last_used.map(WallTime::to_iso8601),
        role: key.role.as_str(),
        status: word(key.active),
        user_name: key.name,
    });
    Ok(Listed { access_keys: Keys { access_key: told.collect() } })
}

async fn update_access_key(context: &Context, input: UpdateAccessKey) -> Answer<Done> {
    let change = AccessKeyChange {
        active: input.status.map(|status| status == KeyStatus::Active),
        role: input.role.map(KeyRole::stored),
        name: input.name,
    };
    if change == AccessKeyChange::default() {
        return Err(ParamError::missing("Status").into());
    }
    match context.catalog.change_access_key(&input.id, &change, context.now).await? {
        true => Ok(Done {}),
        false => unknown(context, &input.id),
    }
}

async fn delete_access_key(context: &Context, input: DeleteAccessKey) -> Answer<Done> {
    match context.catalog.delete_access_key(&input.id).await? {
        true => Ok(Done {}),
        false => unknown(context, &input.id),
    }
}

fn unknown(context: &Context, id: &str) -> Answer<Done> {
    if context.keys.iter().any(|root| root.id == id) {
        return Err(Code::AccessKeyNotExist.because("The root key stands in the configuration, and is changed there."));
    }
    Err(Code::AccessKeyNotExist.into())
}
