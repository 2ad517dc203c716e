//! Who may use the web console. Operations of our own; only administrators call them.

use catalog::{CatalogError, ConsoleUser, ConsoleUserChange, PasswordHash, Role};
use rpc::ParamError;
use rpc::param::{Filled, Raw};
use schemars::JsonSchema;
use serde::Serialize;
use units::WallTime;

use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;

/// Most users.
const USERS_MAX: u64 = 100;

/// A user's name as a parameter.
type UserText = Filled<64>;

choice! {
    /// What a user may do, as the owner of a key of the same role.
    UserRole {
        /// Everything.
        Admin = "admin",
        /// All with streams and videos.
        Operator = "operator",
        /// Look.
        Viewer = "viewer",
    }
}

impl UserRole {
    fn stored(self) -> Role {
        match self {
            Self::Admin => Role::Admin,
            Self::Operator => Role::Operator,
            Self::Viewer => Role::Viewer,
        }
    }
}

operations! {
    /// Adds a user of the web console.
    Vod Own CreateConsoleUser => create_console_user {
        /// With what he signs in: letters, digits and `.-_@`.
        UserName => name: UserText,
        /// At least 10 characters.
        Password => password: Raw,
        /// What he may do.
        Role => role: UserRole,
    }

    /// Lists the users of the web console, by name.
    Vod Own ListConsoleUsers => list_console_users {}

    /// Gives a user of the web console another password or role. With the password he is signed out everywhere.
    Vod Own UpdateConsoleUser => update_console_user {
        /// Who.
        UserName => name: UserText,
        /// At least 10 characters.
        Password => password: Option<Raw>,
        /// What he may do.
        Role => role: Option<UserRole>,
    }

    /// Deletes a user of the web console, and signs him out.
    Vod Own DeleteConsoleUser => delete_console_user {
        /// Who.
        UserName => name: UserText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Created {
    console_user: User,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    console_users: Vec<User>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct User {
    user_name: String,
    role: &'static str,
    create_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in_date: Option<String>,
}

fn told(user: ConsoleUser) -> User {
    User {
        user_name: user.name,
        role: user.role.as_str(),
        create_date: user.created.to_iso8601(),
        last_sign_in_date: user.signed_in.map(WallTime::to_iso8601),
    }
}

async fn create_console_user(context: &Context, input: CreateConsoleUser) -> Answer<Created> {
    if !input.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@')) {
        return Err(ParamError::invalid("UserName", "letters, digits and .-_@ are wanted").into());
    }
    let user = ConsoleUser {
        name: input.name,
        password: hash(input.password).await?,
        role: input.role.stored(),
        created: context.now,
        signed_in: None,
    };
    match context.catalog.add_console_user(&user, USERS_MAX).await {
        Ok(true) => Ok(Created { console_user: told(user) }),
        Ok(false) => Err(Code::LimitExceededUser.into()),
        Err(CatalogError::AlreadyExists { .. }) => Err(Code::EntityAlreadyExistsUser.into()),
        Err(error) => Err(error.into()),
    }
}

async fn list_console_users(context: &Context, _input: ListConsoleUsers) -> Answer<Listed> {
    let users = context.catalog.console_users().await?;
    Ok(Listed { console_users: users.into_iter().map(told).collect() })
}

async fn update_console_user(context: &Context, input: UpdateConsoleUser) -> Answer<Done> {
    let password = match input.password.filter(|password| !password.is_empty()) {
        Some(password) => Some(hash(password).await?),
        None => None,
    };
    let change = ConsoleUserChange { password, role: input.role.map(UserRole::stored) };
    if change == ConsoleUserChange::default() {
        return Err(Code::MissingParameter.because("At least one of Password and Role is wanted."));
    }
    match context.catalog.change_console_user(&input.name, &change, context.now).await? {
        true => Ok(Done {}),
        false => Err(Code::EntityNotExistUser.into()),
    }
}

async fn delete_console_user(context: &Context, input: DeleteConsoleUser) -> Answer<Done> {
    match context.catalog.delete_console_user(&input.name).await? {
        true => Ok(Done {}),
        false => Err(Code::EntityNotExistUser.into()),
    }
}

/// The hash of a password that may be one.
async fn hash(password: String) -> Answer<PasswordHash> {
    if let Some(why) = PasswordHash::refuses(&password) {
        return Err(Code::InvalidParameter.because(why));
    }
    let hashed = tokio::task::spawn_blocking(move || PasswordHash::of(&password)).await;
    match hashed {
        Ok(hash) => Ok(hash?),
        Err(error) => {
            tracing::error!(%error, "a password cannot be hashed");
            Err(Code::InternalError.into())
        }
    }
}
