//! What an operation is: one declaration (from which its parameters are read, and its description is made) and one function, whose answer
//! is described by its own type.

use std::future::Future;
use std::pin::Pin;

use rpc::Params;
use rpc::param::Declared;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::codes::Answer;
use crate::state::Context;

/// Which of the two APIs an operation belongs to; the wire tells them apart by version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// ApsaraVideo Live.
    Live,
    /// ApsaraVideo VOD.
    Vod,
}

impl Service {
    /// The API version on the wire.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Live => "2016-11-01",
            Self::Vod => "2017-03-21",
        }
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Vod => "Vod",
        }
    }

    /// The service of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Live, Self::Vod].into_iter().find(|service| service.name() == name)
    }

    /// The service of a version.
    pub fn of_version(version: &str) -> Option<Self> {
        [Self::Live, Self::Vod].into_iter().find(|service| service.version() == version)
    }
}

/// How much an operation is needed (contract §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tier {
    /// The core.
    T1,
    /// Expected.
    T2,
    /// Nice.
    T3,
    /// Ours: the vendor has no such operation.
    Own,
}

/// An operation without its function.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Declaration {
    /// Its name on the wire.
    pub name: &'static str,
    /// Where it belongs.
    pub service: Service,
    /// How much it is needed.
    pub tier: Tier,
    /// What it does.
    pub about: &'static str,
    /// Its parameters, common ones not included.
    pub params: &'static [Declared],
}

type Run = for<'a> fn(&'a Context, &'a Params) -> Pin<Box<dyn Future<Output = Answer<Map<String, Value>>> + Send + 'a>>;

/// An operation: one row of the table.
#[derive(Clone, Copy)]
pub struct Operation {
    /// What it is called and takes.
    pub declaration: Declaration,
    /// What it answers when nothing went wrong: the schema of the type that its function returns, and the RequestId that all answers have.
    pub answer: fn() -> Schema,
    pub(crate) run: Run,
}

/// The answer of an operation that has nothing to say but that it was done.
#[derive(serde::Serialize, JsonSchema)]
pub(crate) struct Done {}

/// What goes out: what an operation tells, and of which call.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it stands for what `gate` puts together, and is never made")]
struct Sent<Told> {
    #[schemars(flatten)]
    told: Told,
    #[schemars(rename = "RequestId")]
    request_id: String,
}

/// The schema (JSON Schema 2020-12) of what goes out when this function has answered. What may be left out is not required; each type stands
/// where it is used.
pub(crate) fn answer_of<Input, Told: JsonSchema>(_function: impl AsyncFn(&Context, Input) -> Answer<Told>) -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Sent<Told>>()
}

/// An answer as the members of a JSON object.
pub(crate) fn members(answer: &impl serde::Serialize) -> Answer<Map<String, Value>> {
    match serde_json::to_value(answer) {
        Ok(Value::Object(members)) => Ok(members),
        other => {
            tracing::error!(?other, "an answer is no JSON object");
            Err(crate::codes::Code::InternalError.into())
        }
    }
}

/// Declares operations: for each a struct with its parameters and `OPERATION`, the row that runs `function`.
///
/// A parameter is `WireName => field: Type`, where the type is one of [`rpc::param`]: as it stands it is required, in an
/// `Option` it is not, and with `= value` it has a default. The doc comments become the operation's description.
macro_rules! operations {
    ($(
        $(#[doc = $about:literal])+
        $service:ident $tier:ident $name:ident => $function:ident {
            $( $(#[doc = $param_about:literal])* $wire:ident => $field:ident : $type:ty $(= $default:expr)? ),* $(,)?
        }
    )+) => {$(
        $(#[doc = $about])+
        pub struct $name {
            $( $(#[doc = $param_about])* pub(crate) $field: <$type as rpc::Param>::Value, )*
        }

        impl $name {
            /// The row of the table of operations.
            pub const OPERATION: $crate::declare::Operation = {
                fn run<'a>(
                    context: &'a $crate::state::Context,
                    params: &'a rpc::Params,
                ) -> ::std::pin::Pin<Box<dyn Future<Output = $crate::codes::Answer<$crate::declare::Members>> + Send + 'a>> {
                    Box::pin(async move {
                        let _ = params;
                        let input = $name {
                            $( $field: $crate::declare::value!(params, $wire, $type $(, $default)?), )*
                        };
                        $crate::declare::members(&$function(context, input).await?)
                    })
                }
                $crate::declare::Operation {
                    declaration: $crate::declare::Declaration {
                        name: stringify!($name),
                        service: $crate::declare::Service::$service,
                        tier: $crate::declare::Tier::$tier,
                        about: concat!($($about, "\n"),+),
                        params: &[$( rpc::param::Declared {
                            name: stringify!($wire),
                            required: $crate::declare::required!($type $(, $default)?),
                            kind: <$type as rpc::Param>::KIND,
                            about: concat!($($param_about, "\n"),*),
                        } ),*],
                    },
                    answer: || $crate::declare::answer_of($function),
                    run,
                }
            };
        }
    )+};
}

/// Declares an object inside the parameters, such as one item of a list of objects.
macro_rules! object {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $param_about:literal])* $wire:ident => $field:ident : $type:ty ),+ $(,)?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $( $(#[doc = $param_about])* pub(crate) $field: <$type as rpc::Param>::Value, )+
        }

        impl rpc::Param for $name {
            type Value = Self;
            const KIND: rpc::param::Kind = rpc::param::Kind::Object(&[$( rpc::param::Declared {
                name: stringify!($wire),
                required: <$type as rpc::Param>::REQUIRED,
                kind: <$type as rpc::Param>::KIND,
                about: concat!($($param_about, "\n"),*),
            } ),+]);

            fn read(params: &rpc::Params, name: &str) -> Result<Option<Self>, rpc::ParamError> {
                let members = params.object(name);
                if members.is_empty() {
                    return Ok(None);
                }
                Ok(Some(Self { $( $field: rpc::param::required::<$type>(&members, stringify!($wire))?, )+ }))
            }
        }
    };
}

/// Declares the words a parameter may be. They are read in any letter case, and told as they are written here.
macro_rules! choice {
    (
        $(#[$about:meta])+
        $name:ident { $( $(#[$word_about:meta])+ $variant:ident = $word:literal ),+ $(,)? }
    ) => {
        $(#[$about])+
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $( $(#[$word_about])+ $variant ),+ }

        impl $name {
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word ),+ }
            }
        }

        impl rpc::Param for $name {
            type Value = Self;
            const KIND: rpc::param::Kind = rpc::param::Kind::Choice(&[$($word),+]);

            fn read(params: &rpc::Params, name: &str) -> Result<Option<Self>, rpc::ParamError> {
                let Some(text) = params.filled(name) else { return Ok(None) };
                $( if text.eq_ignore_ascii_case(Self::$variant.as_str()) { return Ok(Some(Self::$variant)); } )+
                Err(rpc::ParamError::invalid(name, concat!("one of", $(" ", $word),+, " is wanted")))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

/// The value of one parameter in `operations!`.
macro_rules! value {
    ($params:ident, $wire:ident, $type:ty) => {
        rpc::param::required::<$type>($params, stringify!($wire))?
    };
    ($params:ident, $wire:ident, $type:ty, $default:expr) => {
        match <$type as rpc::Param>::read($params, stringify!($wire))? {
            Some(value) => value,
            None => $default,
        }
    };
}

/// Must a parameter of `operations!` be there?
macro_rules! required {
    ($type:ty) => {
        <$type as rpc::Param>::REQUIRED
    };
    ($type:ty, $default:expr) => {
        false
    };
}

pub(crate) use {choice, object, operations, required, value};

/// The members of an answer.
pub(crate) type Members = Map<String, Value>;
