//! Where customers want to be told of events of videos.

use catalog::MessageCallback;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Flag, Text};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::Answer;
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{DEFAULT_APP, http_url};

choice! {
    /// How events are delivered.
    CallbackType {
        /// As POST requests.
        Http = "HTTP",
        /// Into a queue of the vendor's.
        Mns = "MNS",
    }
}

operations! {
    /// Sets where events of videos are sent, replacing what was set as a whole.
    Vod T1 SetMessageCallback => set_message_callback {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
        /// `HTTP`. There is no MNS here, so `MNS` is refused.
        CallbackType => callback_type: CallbackType = CallbackType::Http,
        /// The receiver. Needed when an event is wanted.
        CallbackURL => url: Option<Text<256>>,
        /// The events wanted, joined by commas, or `ALL`. Absent or empty: none.
        EventTypeList => events: Option<CommaList<Filled<64>, 100>>,
        /// `on`: requests carry a signature.
        AuthSwitch => signed: Flag = false,
        /// The key of the signature: at most 32 characters, with small and capital letters and digits.
        AuthKey => auth_key: Option<Text<32>>,
        /// Kept and told back.
        MnsEndpoint => mns_endpoint: Option<Text<256>>,
        /// Kept and told back.
        MnsQueueName => mns_queue: Option<Text<256>>,
    }

    /// Tells where events are sent. Nothing set: all fields are empty.
    Vod T1 GetMessageCallback => get_message_callback {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
    }

    /// Deletes the setting. When there is none, nothing happens.
    Vod T1 DeleteMessageCallback => delete_message_callback {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
    }
}

async fn set_message_callback(context: &Context, input: SetMessageCallback) -> Answer<Done> {
    if input.callback_type == CallbackType::Mns {
        return Err(ParamError::invalid("CallbackType", "there is no MNS here; HTTP is possible").into());
    }
    let callback = MessageCallback {
        app_id: input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned()),
        kind: input.callback_type.as_str().to_owned(),
        url: input.url.unwrap_or_default(),
        events: input.events.unwrap_or_default().join(","),
        signed: input.signed,
        auth_key: input.auth_key.unwrap_or_default(),
        mns_endpoint: input.mns_endpoint.unwrap_or_default(),
        mns_queue: input.mns_queue.unwrap_or_default(),
    };
    match callback.url.as_str() {
        "" if !callback.events.is_empty() => return Err(ParamError::missing("CallbackURL").into()),
        "" => {}
        url => http_url("CallbackURL", url)?,
    }
    let has = |wanted: fn(&char) -> bool| callback.auth_key.chars().any(|c| wanted(&c));
    let fits = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    if callback.auth_key.is_empty() {
        if callback.signed {
            return Err(ParamError::missing("AuthKey").into());
        }
    } else if !fits {
        return Err(ParamError::invalid("AuthKey", "small letters, capital letters and digits are to be in it").into());
    }
    context.catalog.set_message_callback(&callback, context.now).await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    message_callback: ToldCallback,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ToldCallback {
    app_id: String,
    auth_key: String,
    auth_switch: &'static str,
    callback_type: String,
    #[serde(rename = "CallbackURL")]
    callback_url: String,
    event_type_list: String,
    mns_endpoint: String,
    mns_queue_name: String,
}

async fn get_message_callback(context: &Context, input: GetMessageCallback) -> Answer<Told> {
    let app_id = input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned());
    let told = match context.catalog.message_callback(&app_id).await? {
        Some(callback) => ToldCallback {
            app_id: callback.app_id,
            auth_key: callback.auth_key,
            auth_switch: if callback.signed { "on" } else { "off" },
            callback_type: callback.kind,
            callback_url: callback.url,
            event_type_list: callback.events,
            mns_endpoint: callback.mns_endpoint,
            mns_queue_name: callback.mns_queue,
        },
        None => ToldCallback {
            app_id,
            auth_key: String::new(),
            auth_switch: "",
            callback_type: String::new(),
            callback_url: String::new(),
            event_type_list: String::new(),
            mns_endpoint: String::new(),
            mns_queue_name: String::new(),
        },
    };
    Ok(Told { message_callback: told })
}

async fn delete_message_callback(context: &Context, input: DeleteMessageCallback) -> Answer<Done> {
    let app_id = input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned());
    context.catalog.delete_message_callback(&app_id).await?;
    Ok(Done {})
}
