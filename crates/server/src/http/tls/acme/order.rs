//! One order, from the account to the chain (RFC 8555 §7.4), proved by tls-alpn-01 (RFC 8737).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::client::Client;
use super::kept::{Kept, KeptAccount};

/// How long the authority may take to look at all names, and then to issue; it is asked after a quarter of a second, then less often.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));
/// The problem of an account that the authority does not know (RFC 8555 §6.7).
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// What is shown to the authority in the place of the certificate, by name.
pub type Answers = HashMap<String, Arc<CertifiedKey>>;

/// Why there is no new certificate.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is there, or the authority has trouble of its own: asking again soon annoys nobody.
    Away(anyhow::Error),
    /// The authority does not know the account any more.
    Forgotten(anyhow::Error),
    /// It said no, or something has to be changed here.
    Refused(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Refused(error)
    }
}

impl Failure {
    /// The failure of a step of the protocol.
    fn at(step: &'static str) -> impl Fn(Error) -> Self {
        move |error| {
            let kind = match &error {
                Error::Other(cause) if cause.is::<reqwest::Error>() => Self::Away,
                Error::Api(problem) if problem.status.is_some_and(|status| status >= 500) => Self::Away,
                Error::Api(problem) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => Self::Forgotten,
                _ => Self::Refused,
            };
            kind(anyhow::Error::new(error).context(step))
        }
    }
}

/// The account that is kept, or a new one, which is kept before it is used. A contact that has changed is told.
pub async fn account(client: &Client, kept: &Kept, directory: &str, contact: &str) -> Result<Account, Failure> {
    let builder = Account::builder_with_http(Box::new(client.clone()));
    let url = format!("mailto:{contact}");
    let contacts: &[&str] = if contact.is_empty() { &[] } else { &[&url] };
    let Some(mut known) = kept.account().await? else {
        let asked = NewAccount { contact: contacts, terms_of_service_agreed: true, only_return_existing: false };
        let made = builder.create(&asked, directory.to_owned(), None).await;
        let (account, credentials) = made.map_err(Failure::at("an account cannot be made"))?;
        let credentials = serde_json::to_value(&credentials).context("the account cannot be written")?;
        kept.keep_account(&KeptAccount { contact: contact.to_owned(), credentials }).await?;
        return Ok(account);
    };
    let credentials: AccountCredentials =
        serde_json::from_value(known.credentials.clone()).context("the kept account is damaged")?;
    let account = builder.from_credentials(credentials).await.map_err(Failure::at("the directory cannot be read"))?;
    if known.contact != contact {
        account.update_contacts(contacts).await.map_err(Failure::at("the contact cannot be changed"))?;
        contact.clone_into(&mut known.contact);
        kept.keep_account(&known).await?;
    }
    Ok(account)
}

/// Orders a certificate for `names` and gives its key and its chain, as PEM. What `show` gets has to be shown until this is over.
///
/// A future that is dropped leaves an order behind that the authority forgets by itself.
pub async fn order(account: &Account, names: &[String], show: impl FnOnce(Answers)) -> Result<String, Failure> {
    let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
    let ordered = account.new_order(&NewOrder::new(&identifiers)).await;
    let mut order = ordered.map_err(Failure::at("the order is refused"))?;
    show(answers(&mut order).await?);
    let mut authorizations = order.authorizations();
    while let Some(found) = authorizations.next().await {
        let mut found = found.map_err(Failure::at("an authorization cannot be read"))?;
        if found.status != AuthorizationStatus::Pending {
            continue;
        }
        if let Some(mut challenge) = found.challenge(ChallengeType::TlsAlpn01) {
            challenge.set_ready().await.map_err(Failure::at("a challenge cannot be begun"))?;
        }
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready) => {}
        ended => return Err(not_proved(&mut order, ended.err()).await),
    }
    let key = order.finalize().await.map_err(Failure::at("the request for the certificate is refused"))?;
    let chain = order.poll_certificate(&PATIENCE).await.map_err(Failure::at("the certificate is not issued"))?;
    Ok(key + &chain)
}

/// What is to be shown for the names that are not proved yet.
async fn answers(order: &mut Order) -> Result<Answers, Failure> {
    let mut answers = Answers::new();
    let mut authorizations = order.authorizations();
    while let Some(found) = authorizations.next().await {
        let mut found = found.map_err(Failure::at("an authorization cannot be read"))?;
        if found.status != AuthorizationStatus::Pending {
            continue;
        }
        let name = found.identifier().to_string().to_ascii_lowercase();
        let challenge = found.challenge(ChallengeType::TlsAlpn01);
        let challenge = challenge.with_context(|| format!("the authority does not offer tls-alpn-01 for {name}"))?;
        let answer = answer(&name, challenge.key_authorization().digest().as_ref())
            .with_context(|| format!("cannot make the answer for {name}"))?;
        answers.insert(name, Arc::new(answer));
    }
    Ok(answers)
}

/// The certificate that proves a name (RFC 8737 §3): signed by itself, with the digest in it.
fn answer(name: &str, digest: &[u8]) -> anyhow::Result<CertifiedKey> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|problem| anyhow!(problem))?;
    // It is not checked against its key: the check does not take the extension, which has to be critical.
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(key)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// What the authority found at each name that it did not take, or else how the order ended.
async fn not_proved(order: &mut Order, ended: Option<Error>) -> Failure {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut found)) = authorizations.next().await {
        // The best that is known is told; who cannot ask any more says less.
        let _ = found.refresh().await;
        let name = found.identifier().to_string();
        let problems = found.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    match ended {
        Some(error) if reasons.is_empty() => Failure::at("the order came to nothing")(error),
        _ => {
            Failure::Refused(anyhow!(reasons.join("; ")).context("the ACME server does not find this one at the names"))
        }
    }
}
