//! Where values come from: the file and the environment, and what is said when they are wrong.

use std::path::Path;

use tokio_rustls::rustls::pki_types::ServerName;

use super::{Config, Http, KEYS, Listen, Setting};

/// How the environment's names begin.
const ENVIRONMENT_PREFIX: &str = "REPRISE_";

/// Why the configuration cannot be used. Each names the key and the place where it stands.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {file}: {source}")]
    Read {
        /// Its path, as given.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file} is not TOML: {source}")]
    Syntax {
        /// Its path, as given.
        file: String,
        /// Line, column and what is wrong there.
        source: toml::de::Error,
    },
    /// A key that does not exist.
    #[error("unknown key {key} in {place}{}", near(.nearest))]
    Unknown {
        /// Section and key, or the variable's name.
        key: String,
        /// The file, or "the environment".
        place: String,
        /// A key that looks like it.
        nearest: Option<String>,
    },
    /// A value of the wrong type or range.
    #[error("{key} in {place}: {problem}")]
    Value {
        /// Section and key.
        key: String,
        /// The file or the variable.
        place: String,
        /// What is wrong with the value.
        problem: String,
    },
    /// Values that are each right and together wrong.
    #[error("{0}")]
    Together(String),
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|key| format!(" (did you mean {key}?)")).unwrap_or_default()
}

/// Reads the defaults, then `file` when there is one, then this process's environment.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    let text = file
        .map(|path| {
            let name = path.display().to_string();
            match std::fs::read_to_string(path) {
                Ok(text) => Ok((name, text)),
                Err(source) => Err(ConfigError::Read { file: name, source }),
            }
        })
        .transpose()?;
    let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    // A value that is no Unicode is told like any other bad value, not skipped.
    let environment = environment.map(|(name, value)| (name, value.to_string_lossy().into_owned()));
    merge(Config::default(), text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment)
}

/// The same with everything passed in. `file` is a name and its text.
pub(crate) fn merge(
    mut config: Config,
    file: Option<(&str, &str)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    if let Some((name, text)) = file {
        apply_file(&mut config, name, text)?;
    }
    for (variable, text) in environment {
        apply_variable(&mut config, &variable, &text)?;
    }
    check(&config)?;
    Ok(config)
}

fn apply_file(config: &mut Config, file: &str, text: &str) -> Result<(), ConfigError> {
    let table: toml::Table = text.parse().map_err(|source| ConfigError::Syntax { file: file.to_owned(), source })?;
    for (section, keys) in &table {
        let known = KEYS.iter().any(|(s, _)| s == section);
        let unknown = |key: String| ConfigError::Unknown { nearest: nearest(&key), key, place: file.to_owned() };
        let Some(keys) = keys.as_table().filter(|_| known) else {
            return Err(unknown(section.clone()));
        };
        for (key, value) in keys {
            if !KEYS.contains(&(section.as_str(), key.as_str())) {
                return Err(unknown(format!("{section}.{key}")));
            }
            config.set(section, key, value).map_err(|problem| ConfigError::Value {
                key: format!("{section}.{key}"),
                place: file.to_owned(),
                problem,
            })?;
        }
    }
    Ok(())
}

fn apply_variable(config: &mut Config, variable: &str, text: &str) -> Result<(), ConfigError> {
    let Some(name) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { return Ok(()) };
    let key = KEYS.iter().find(|(section, key)| variable_name(section, key) == variable);
    let Some((section, key)) = key else {
        let dotted = name.to_lowercase().replacen("__", ".", 1);
        return Err(ConfigError::Unknown {
            key: variable.to_owned(),
            place: "the environment".to_owned(),
            nearest: nearest(&dotted).map(|key| key.split_once('.').map_or(key.clone(), |(s, k)| variable_name(s, k))),
        });
    };
    config.set_text(section, key, text).map_err(|problem| ConfigError::Value {
        key: format!("{section}.{key}"),
        place: format!("the environment ({variable})"),
        problem,
    })
}

fn variable_name(section: &str, key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

fn check(config: &Config) -> Result<(), ConfigError> {
    if config.auth.access_key_id.is_empty() != config.auth.access_key_secret.is_empty() {
        let problem = "auth.access_key_id and auth.access_key_secret belong together: set both, or neither";
        return Err(ConfigError::Together(problem.to_owned()));
    }
    for (key, url) in [("http.public_url", &config.http.public_url), ("alarm.url", &config.alarm.url)] {
        if !(url.is_empty() || url.starts_with("http://") || url.starts_with("https://")) {
            return Err(ConfigError::Together(format!("{key} {url:?} begins with neither http:// nor https://")));
        }
    }
    check_tls(&config.http).map_err(ConfigError::Together)?;
    if config.live.default_push_domain.eq_ignore_ascii_case(&config.live.default_play_domain) {
        let problem =
            "live.default_push_domain and live.default_play_domain must differ: a domain is for one or the other";
        return Err(ConfigError::Together(problem.to_owned()));
    }
    for (key, number) in [
        ("recording.cycle_seconds_min", config.recording.cycle_seconds_min),
        ("recording.delay_seconds_min", config.recording.delay_seconds_min),
        ("http.connections_max", config.http.connections_max),
        ("rtmp.pushes_max", config.rtmp.pushes_max),
        ("rtmp.busy_max_percent", config.rtmp.busy_max_percent),
    ] {
        if number == 0 {
            return Err(ConfigError::Together(format!("{key} is 0; it must be at least 1")));
        }
    }
    if config.rtmp.busy_max_percent > 100 {
        let problem = format!("rtmp.busy_max_percent is {}; it must be at most 100", config.rtmp.busy_max_percent);
        return Err(ConfigError::Together(problem));
    }
    Ok(())
}

/// HTTPS: all of its keys together, and the certificate from one place.
fn check_tls(http: &Http) -> Result<(), String> {
    if !http.tls_listen.is_empty() {
        Listen::from_text(&http.tls_listen).map_err(|problem| format!("http.tls_listen: {problem}"))?;
    }
    if !http.acme_domains.is_empty() {
        return check_acme(http);
    }
    let tls = [&http.tls_listen, &http.tls_certificate, &http.tls_key];
    if tls.iter().any(|key| key.is_empty()) && tls.iter().any(|key| !key.is_empty()) {
        let problem = "http.tls_listen, http.tls_certificate and http.tls_key are wanted together; in the place of the two \
                       files there may be http.acme_domains";
        return Err(problem.to_owned());
    }
    Ok(())
}

fn check_acme(http: &Http) -> Result<(), String> {
    if !(http.tls_certificate.is_empty() && http.tls_key.is_empty()) {
        return Err("a certificate comes from files (http.tls_certificate, http.tls_key) or from an authority \
                    (http.acme_domains), not from both"
            .to_owned());
    }
    if http.tls_listen.is_empty() {
        return Err("http.acme_domains wants http.tls_listen: a certificate is for HTTPS, and proved there".to_owned());
    }
    for name in &http.acme_domains {
        // What has colons or ends in a number would be an address.
        let named = matches!(ServerName::try_from(name.as_str()), Ok(ServerName::DnsName(_)));
        if !named || name.ends_with('.') {
            return Err(format!(
                "http.acme_domains: {name:?} is no name of a server, such as \"video.example.org\"; wildcards and addresses \
                 cannot be proved over TLS, and other letters than a to z are written as xn--"
            ));
        }
    }
    if !http.acme_directory.starts_with("https://") {
        return Err(format!("http.acme_directory {:?} does not begin with https://", http.acme_directory));
    }
    if !(http.acme_contact.is_empty() || http.acme_contact.contains('@')) {
        return Err(format!("http.acme_contact {:?} is no address such as \"ops@example.org\"", http.acme_contact));
    }
    if !http.acme_terms_agreed {
        return Err(format!(
            "http.acme_terms_agreed = true is wanted: that you agree to the terms of {}",
            http.acme_directory
        ));
    }
    Ok(())
}

/// The key that `wrong` most likely was meant to be: at most three letters away, or the same name in another section.
fn nearest(wrong: &str) -> Option<String> {
    let names = KEYS.iter().map(|(section, key)| format!("{section}.{key}"));
    let (distance, name) = names.map(|name| (edit_distance(wrong, &name), name)).min()?;
    let last = wrong.rsplit('.').next().unwrap_or(wrong);
    let moved = || KEYS.iter().find(|(_, key)| *key == last).map(|(section, key)| format!("{section}.{key}"));
    if distance <= 3 { Some(name) } else { moved() }
}

/// Levenshtein's distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        merge(Config::default(), Some(("reprise.toml", file)), environment).map_err(|e| e.to_string())
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let file = "[http]\nlisten = \"127.0.0.1:1\"\n[recording]\nsync_interval = \"2s\"\ncycle_seconds_min = 20\n";
        let config = read(file, &[("REPRISE_HTTP__LISTEN", "127.0.0.1:2"), ("PATH", "/bin")]).unwrap();
        assert_eq!(config.http.listen.as_str(), "127.0.0.1:2");
        assert_eq!(config.recording.sync_interval, Duration::from_secs(2));
        assert_eq!(config.recording.cycle_seconds_min, 20);
        assert_eq!(config.recording.delay_seconds_min, 15);
    }

    #[test]
    fn an_error_names_the_key_the_place_and_what_was_probably_meant() {
        let said = |file, environment: &[(&str, &str)]| read(file, environment).unwrap_err();
        assert_eq!(
            said("[http]\nlisen = \"a:1\"", &[]),
            "unknown key http.lisen in reprise.toml (did you mean http.listen?)"
        );
        assert_eq!(said("[htp]\n", &[]), "unknown key htp in reprise.toml");
        assert_eq!(said("listen = \"a:1\"", &[]), "unknown key listen in reprise.toml (did you mean http.listen?)");
        assert_eq!(
            said("[recording]\ncycle_seconds_min = \"20\"", &[]),
            "recording.cycle_seconds_min in reprise.toml: a whole number is wanted, this is a string"
        );
        assert_eq!(
            said("", &[("REPRISE_HTTP_LISTEN", "a:1")]),
            "unknown key REPRISE_HTTP_LISTEN in the environment (did you mean REPRISE_HTTP__LISTEN?)"
        );
        assert_eq!(
            said("", &[("REPRISE_RECORDING__SYNC_INTERVAL", "soon")]),
            "recording.sync_interval in the environment (REPRISE_RECORDING__SYNC_INTERVAL): \"soon\" is not a length of \
             time such as \"250ms\", \"1s\", \"3m\" or \"2h\""
        );
        assert!(said("[http\n", &[]).starts_with("reprise.toml is not TOML: "));
    }

    #[test]
    fn values_that_contradict_each_other_are_refused() {
        assert!(read("[auth]\naccess_key_id = \"id\"\n", &[]).is_err());
        assert!(read("[http]\npublic_url = \"vod.example.org\"\n", &[]).is_err());
        assert!(read("[alarm]\nurl = \"ops.example.org\"\n", &[]).is_err());
        assert!(read("[rtmp]\npushes_max = 0\n", &[]).is_err());
        assert!(read("[rtmp]\nbusy_max_percent = 101\n", &[]).is_err());
        assert!(read("[live]\ndefault_push_domain = \"PLAY.localhost\"\n", &[]).is_err());
        assert!(read("[auth]\naccess_key_id = \"id\"\naccess_key_secret = \"s\"\n", &[]).is_ok());
        let tls = |listen: &str, key: &str| {
            let file = "[http]\ntls_certificate = \"fullchain.pem\"\n";
            read(file, &[("REPRISE_HTTP__TLS_LISTEN", listen), ("REPRISE_HTTP__TLS_KEY", key)])
        };
        assert!(tls("0.0.0.0:8443", "privkey.pem").is_ok());
        assert!(tls("0.0.0.0:8443", "").unwrap_err().contains("are wanted together"));
        assert!(tls("", "privkey.pem").unwrap_err().contains("are wanted together"));
        assert!(tls("8443", "privkey.pem").unwrap_err().contains("http.tls_listen: \"8443\" is not host:port"));
    }

    #[test]
    fn a_certificate_is_got_when_all_is_said_for_it_and_none_is_in_files() {
        let acme = |rest: &str| {
            let whole =
                "[http]\ntls_listen = \"0.0.0.0:8443\"\nacme_domains = [\"Video.example.org\", \"a.example.org\"]\n";
            read(&format!("{whole}{rest}"), &[])
        };
        let agreed = "acme_terms_agreed = true\n";
        let config = acme(agreed).unwrap();
        assert_eq!(config.http.acme_domains, ["Video.example.org", "a.example.org"]);
        assert!(config.http.acme_directory.starts_with("https://acme-v02.api.letsencrypt.org/"));
        let refused = |rest: &str, says: &str| {
            let said = acme(rest).unwrap_err();
            assert!(said.contains(says), "{rest}: {said}");
        };
        refused("", "http.acme_terms_agreed = true is wanted");
        refused(&format!("{agreed}tls_key = \"privkey.pem\"\n"), "not from both");
        refused(&format!("{agreed}acme_directory = \"http://ca.example/dir\"\n"), "does not begin with https://");
        refused(&format!("{agreed}acme_contact = \"ops\"\n"), "is no address");
        let named = |names: &str| {
            let listen = ("REPRISE_HTTP__TLS_LISTEN", "0.0.0.0:8443");
            read("[http]\nacme_terms_agreed = true\n", &[listen, ("REPRISE_HTTP__ACME_DOMAINS", names)])
        };
        assert_eq!(named("a.example, b.example").unwrap().http.acme_domains, ["a.example", "b.example"]);
        for wrong in ["*.example.org", "192.0.2.1", "2001:db8::1", "a.example.", "https://a.example", "é.example"] {
            assert!(named(wrong).unwrap_err().contains("is no name of a server"), "{wrong}");
        }
        assert!(named("").unwrap_err().contains("are wanted together"));
        let alone = read("[http]\nacme_domains = [\"a.example\"]\nacme_terms_agreed = true\n", &[]);
        assert!(alone.unwrap_err().contains("wants http.tls_listen"));
        assert!(
            read("[http]\nacme_domains = \"a.example\"\n", &[]).unwrap_err().contains("a list of strings is wanted")
        );
    }
}
