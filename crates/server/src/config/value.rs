//! The types a key can have, and their two spellings: TOML and the text of an environment variable.

use std::fmt;
use std::time::Duration;

use ingest::Takeover;

/// A type of configuration value.
pub trait Setting: Sized {
    /// From a value of the file; the error says what is wanted.
    fn from_toml(value: &toml::Value) -> Result<Self, String>;
    /// From the text of an environment variable; the error says what is wanted.
    fn from_text(text: &str) -> Result<Self, String>;
    /// As a TOML value.
    fn to_toml(&self) -> String;
}

/// Types that are strings in TOML and read alike from a file and from the environment.
macro_rules! setting_as_text {
    ($($type:ty: $parse:expr, $show:expr;)*) => {$(
        impl Setting for $type {
            fn from_toml(value: &toml::Value) -> Result<Self, String> {
                Self::from_text(value.as_str().ok_or_else(|| format!("a string is wanted, this is {}", article(value)))?)
            }
            fn from_text(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<$type, String> = $parse;
                parse(text)
            }
            fn to_toml(&self) -> String {
                let show: fn(&$type) -> String = $show;
                toml::Value::String(show(self)).to_string()
            }
        }
    )*};
}

setting_as_text! {
    String: |text| Ok(text.to_owned()), String::clone;
    Secret: |text| Ok(Secret::new(text)), Secret::shown;
    Listen: Listen::parse, |listen| listen.0.clone();
    LogFormat: LogFormat::parse, |format| format.name().to_owned();
    Takeover: parse_takeover, |takeover| takeover_name(*takeover).to_owned();
    Duration: parse_duration, show_duration;
}

impl Setting for u32 {
    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let number =
            value.as_integer().ok_or_else(|| format!("a whole number is wanted, this is {}", article(value)))?;
        u32::try_from(number).map_err(|_| format!("{number} is not between 0 and {}", u32::MAX))
    }
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not a whole number between 0 and {}", u32::MAX))
    }
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| format!("true or false is wanted, this is {}", article(value)))
    }
    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
    }
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl Setting for Vec<String> {
    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let texts =
            value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| format!("a list of strings is wanted, this is {}", article(value)))
    }
    /// With commas between them.
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect())
    }
    fn to_toml(&self) -> String {
        toml::Value::from(self.clone()).to_string()
    }
}

fn article(value: &toml::Value) -> &'static str {
    match value {
        toml::Value::String(_) => "a string",
        toml::Value::Integer(_) => "a whole number",
        toml::Value::Float(_) => "a fraction",
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Datetime(_) => "a date",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) => "a table",
    }
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself: for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn shown(&self) -> String {
        if self.is_empty() { String::new() } else { "***".to_owned() }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// `host:port` to listen on. The host is resolved when the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen(String);

impl Listen {
    /// A known good address.
    pub fn new(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// `host:port`, as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wanted = || format!("{text:?} is not host:port, such as 127.0.0.1:8080 or [::1]:8080");
        let (host, port) = text.rsplit_once(':').ok_or_else(wanted)?;
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) || port.parse::<u16>().is_err() {
            return Err(wanted());
        }
        Ok(Self(text.to_owned()))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line each.
    Text,
    /// One JSON object each.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is neither \"text\" nor \"json\"")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

fn parse_takeover(text: &str) -> Result<Takeover, String> {
    match text {
        "newest" => Ok(Takeover::Newest),
        "refuse" => Ok(Takeover::Refuse),
        other => Err(format!("{other:?} is neither \"newest\" nor \"refuse\"")),
    }
}

fn takeover_name(takeover: Takeover) -> &'static str {
    match takeover {
        Takeover::Newest => "newest",
        Takeover::Refuse => "refuse",
    }
}

/// Units of a duration, the longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wanted = || format!("{text:?} is not a length of time such as \"250ms\", \"1s\", \"3m\" or \"2h\"");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wanted)?;
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wanted)?;
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(*millis).map(Duration::from_millis).ok_or_else(wanted)
}

fn show_duration(duration: &Duration) -> String {
    let millis = duration.as_millis();
    let fits = |(_, unit): &&(&str, u64)| millis >= u128::from(*unit) && millis.is_multiple_of(u128::from(*unit));
    match UNITS.iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", millis / u128::from(*unit)),
        None => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_in_their_largest_whole_unit() {
        for (text, millis) in [("250ms", 250), ("1s", 1_000), ("3m", 180_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(show_duration(&Duration::from_millis(millis)), text);
        }
        for text in ["", "1", "s", "-1s", "1.5s", "1 s", "1d", "99999999999999999999s", "18446744073709551615h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn who_takes_over_is_one_of_two_words() {
        for (text, takeover) in [("newest", Takeover::Newest), ("refuse", Takeover::Refuse)] {
            assert_eq!(parse_takeover(text), Ok(takeover));
            assert_eq!(takeover_name(takeover), text);
        }
        assert!(parse_takeover("oldest").is_err() && parse_takeover("").is_err());
    }

    #[test]
    fn a_listen_address_has_a_host_and_a_port() {
        for text in ["127.0.0.1:8080", "localhost:0", "[::1]:1935", "0.0.0.0:80"] {
            assert_eq!(Listen::parse(text), Ok(Listen::new(text)));
        }
        for text in ["", "8080", ":8080", "localhost", "localhost:", "localhost:70000", "::1:80"] {
            assert!(Listen::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_in_a_secret_stays_what_was_typed() {
        assert_eq!(Secret::from_text("00123").map(|s| s.reveal().to_owned()), Ok("00123".to_owned()));
    }
}
