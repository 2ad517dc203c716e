//! A certificate as it is shown: its chain, its key, the names in it, and how long it holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use units::WallTime;
use x509_parser::prelude::GeneralName;

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Held {
    /// What is shown in handshakes.
    pub certified: Arc<CertifiedKey>,
    names: BTreeSet<String>,
    begins: WallTime,
    ends: WallTime,
}

impl Held {
    /// Reads a key and a chain, the server's own certificate first, from PEM.
    ///
    /// # Errors
    /// One of them is missing or no good, or they do not belong together.
    pub fn read(pem: &[u8]) -> anyhow::Result<Self> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().context("the chain is no PEM")?;
        let key = PrivateKeyDer::from_pem_slice(pem).context("there is no private key in PEM")?;
        let own = chain.first().context("there is no certificate")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(own).context("the certificate cannot be read")?;
        let named = parsed.subject_alternative_name().context("the names cannot be read")?;
        let named = named.map(|named| &named.value.general_names[..]).unwrap_or_default();
        let names = named.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let (names, validity) = (names.collect(), parsed.validity());
        let time = |seconds| WallTime::from_unix_s(seconds);
        let (begins, ends) = (time(validity.not_before.timestamp()), time(validity.not_after.timestamp()));
        ensure!(begins < ends, "the certificate ends before it begins");
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .context("the certificate and the key do not belong together")?;
        Ok(Self { certified: Arc::new(certified), names, begins, ends })
    }

    /// Whether it is for all of `names`.
    pub fn names_all(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    /// When the next is to be got: when a third of its time is left, which is the usual advice of authorities.
    pub fn due_at(&self) -> WallTime {
        self.ends.before(self.ends.since(self.begins) / 3)
    }

    /// When it ends.
    pub const fn ends(&self) -> WallTime {
        self.ends
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::*;
    use crate::serve::now;

    /// A certificate with its key, as PEM, for `names` from `begins` to `ends`, in days from now.
    pub fn made(names: &[&str], begins: i64, ends: i64) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        let day = |days: i64| {
            let (year, month, day) = WallTime::from_unix_s(now().unix_s() + days * 86_400).civil().0;
            let (month, day) = (u8::try_from(month).unwrap(), u8::try_from(day).unwrap());
            rcgen::date_time_ymd(i32::try_from(year).unwrap(), month, day)
        };
        (params.not_before, params.not_after) = (day(begins), day(ends));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        key.serialize_pem() + &certificate.pem()
    }

    #[test]
    fn a_third_of_its_time_before_the_end_the_next_is_due() {
        let held = Held::read(made(&["a.example", "B.example"], -30, 60).as_bytes()).unwrap();
        let days = |count: u64| Duration::from_secs(count * 86_400);
        assert_eq!((held.due_at(), held.ends()), (held.begins.after(days(60)), held.begins.after(days(90))));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(held.names_all(&names(&["b.example"])) && held.names_all(&names(&["b.example", "a.example"])));
        assert!(!held.names_all(&names(&["a.example", "c.example"])));
    }

    #[test]
    fn what_does_not_belong_together_is_not_shown() {
        let (one, other) = (made(&["a.example"], 0, 1), made(&["a.example"], 0, 1));
        let (begin, end) = ("-----BEGIN CERTIFICATE", "-----END PRIVATE KEY-----\n");
        let key = &one[..one.find(end).unwrap() + end.len()];
        let certificate = &other[other.find(begin).unwrap()..];
        let said = |pem: &str| format!("{:#}", Held::read(pem.as_bytes()).unwrap_err());
        assert!(said(&(key.to_owned() + certificate)).contains("do not belong together"));
        assert!(said(key).contains("there is no certificate"));
        assert!(said(certificate).contains("there is no private key"));
        assert!(said("").contains("there is no private key"));
        assert!(Held::read(other.as_bytes()).is_ok());
    }
}
