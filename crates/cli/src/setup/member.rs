//! Who joins, and what they bring.

use quorate_model::{Digest, ParticipantId, PersonName, ServiceName};
use quorate_net::pki::{CoordinatorName, Role, signing_request_spki};
use quorate_trust::{Credential, Label, PublicKey, Recipient, UserVerification};
use serde::{Deserialize, Serialize};

use super::address::CoordinatorAddress;

const KIND: &str = "quorate-join/1";

/// Who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    Node { id: ParticipantId, operator: Label, region: Label, provider: Label },
    Coordinator { name: CoordinatorName, address: CoordinatorAddress },
    Service { name: ServiceName, owners: Vec<PersonName> },
    Person { name: PersonName, standing: Standing },
}

/// What a person may do, and how they have to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether the person is an officer, who may freeze alone.
    pub(crate) officer: bool,
    /// Whether signatures must show that a security key verified the person.
    pub(crate) user_verification: UserVerification,
    /// To whom pieces of backups are encrypted that the person is to keep.
    pub(crate) recovery: Option<Recipient>,
}

impl Standing {
    /// An officer with a key file.
    pub(crate) const OFFICER: Self =
        Self { officer: true, user_verification: UserVerification::NotRequired, recovery: None };
}

impl Member {
    /// What the member's certificate says.
    pub(crate) fn role(&self) -> Role {
        match self {
            Self::Node { id, .. } => Role::Node(*id),
            Self::Coordinator { name, .. } => Role::Coordinator(name.clone()),
            Self::Service { name, .. } => Role::Service(name.clone()),
            Self::Person { name, .. } => Role::Person(name.clone()),
        }
    }

    /// The file of the key that the trust root names. A coordinator has none: it decides nothing, so
    /// nothing that it says needs a signature.
    pub(crate) const fn key_file(&self) -> Option<&'static str> {
        match self {
            Self::Node { .. } => Some(super::IDENTITY_FILE),
            Self::Coordinator { .. } => None,
            Self::Service { .. } => Some("request.pem"),
            Self::Person { .. } => Some("person.pem"),
        }
    }
}

/// How files and folders of a role are called: `node-1`, `coordinator-main`, `service-payments`,
/// `person-alice`.
pub(crate) fn file_stem(role: &Role) -> String {
    match role {
        Role::Node(id) => format!("node-{id}"),
        Role::Coordinator(name) => format!("coordinator-{name}"),
        Role::Service(name) => format!("service-{name}"),
        Role::Person(name) => format!("person-{name}"),
    }
}

/// What a member brings: public keys, each with a proof that the member has the private one (TLS),
/// or checked by the member when the trust root comes back (the others).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinRequest {
    pub(crate) member: Member,
    /// The key that the trust root names: of people, any credential; of the others, a key file's.
    pub(crate) key: Option<Credential>,
    /// SHA-256 of the TLS key's SubjectPublicKeyInfo.
    pub(crate) tls: Digest,
    /// PKCS#10, PEM.
    pub(crate) signing_request: String,
}

/// The file's TOML, as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JoinFile {
    kind: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Of a service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owners: Vec<String>,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    officer: Option<bool>,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_verification: Option<bool>,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    signing_request: String,
}

impl JoinRequest {
    /// The key of a member who is no person.
    pub(crate) const fn public_key(&self) -> Option<PublicKey> {
        match &self.key {
            Some(Credential::Ed25519(key)) => Some(*key),
            Some(Credential::Ssh(_)) | None => None,
        }
    }

    /// Reads a join file. The signing request's own signature is verified.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: JoinFile = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.kind != KIND {
            return Err(format!("expected kind {KIND:?}"));
        }
        let role = file.role.parse::<Role>().map_err(|error| error.to_string())?;
        let key = file.key.as_deref().map(|key| parsed::<Credential>("key", key)).transpose()?;
        let tls = signing_request_spki(&file.signing_request).map_err(|error| error.to_string())?;
        let member = match role {
            Role::Node(id) => Member::Node {
                id,
                operator: required("operator", file.operator.as_deref())?,
                region: required("region", file.region.as_deref())?,
                provider: required("provider", file.provider.as_deref())?,
            },
            Role::Coordinator(name) => {
                Member::Coordinator { name, address: required("address", file.address.as_deref())? }
            }
            Role::Service(name) => {
                let owners = file.owners.iter().map(|owner| parsed("owner", owner));
                Member::Service { name, owners: owners.collect::<Result<_, _>>()? }
            }
            Role::Person(name) => {
                let officer = file.officer.ok_or("officer is missing")?;
                let user_verification = match file.user_verification {
                    Some(true) => UserVerification::Required,
                    Some(false) | None => UserVerification::NotRequired,
                };
                let recovery = file.recovery.as_deref().map(|text| parsed("recovery", text));
                let recovery = recovery.transpose()?;
                Member::Person { name, standing: Standing { officer, user_verification, recovery } }
            }
        };
        if key.is_some() != member.key_file().is_some() {
            return Err("a key is brought by nodes, services and people, and by nobody else".into());
        }
        let is_person = matches!(member, Member::Person { .. });
        if let (false, Some(Credential::Ssh(_))) = (is_person, &key) {
            return Err("only people sign with an SSH key".into());
        }
        Ok(Self { member, key, tls, signing_request: file.signing_request })
    }

    /// The file's text.
    pub(crate) fn render(&self) -> Result<String, toml::ser::Error> {
        let mut file = JoinFile {
            kind: KIND.to_owned(),
            role: self.member.role().to_string(),
            key: self.key.as_ref().map(ToString::to_string),
            owners: Vec::new(),
            officer: None,
            user_verification: None,
            recovery: None,
            operator: None,
            region: None,
            provider: None,
            address: None,
            signing_request: self.signing_request.clone(),
        };
        match &self.member {
            Member::Node { operator, region, provider, .. } => {
                file.operator = Some(operator.to_string());
                file.region = Some(region.to_string());
                file.provider = Some(provider.to_string());
            }
            Member::Coordinator { address, .. } => file.address = Some(address.to_string()),
            Member::Person { standing, .. } => {
                file.officer = Some(standing.officer);
                file.user_verification =
                    Some(standing.user_verification == UserVerification::Required);
                file.recovery = standing.recovery.as_ref().map(ToString::to_string);
            }
            Member::Service { owners, .. } => {
                file.owners = owners.iter().map(ToString::to_string).collect();
            }
        }
        toml::to_string_pretty(&file)
    }
}

fn required<T>(name: &str, text: Option<&str>) -> Result<T, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    parsed(name, text.ok_or_else(|| format!("{name} is missing"))?)
}

fn parsed<T>(name: &str, text: &str) -> Result<T, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use quorate_net::pki::TlsKey;
    use quorate_trust::SigningKey;
    use rand_core::OsRng;

    use super::*;

    fn request(member: Member) -> JoinRequest {
        let tls_key = TlsKey::generate().unwrap();
        let key = member.key_file().map(|_| SigningKey::generate(&mut OsRng).public_key().into());
        let signing_request = tls_key.signing_request(&member.role(), &[]).unwrap();
        JoinRequest { member, key, tls: tls_key.spki(), signing_request }
    }

    fn members() -> [Member; 4] {
        let label = |text: &str| text.parse::<Label>().unwrap();
        [
            Member::Node {
                id: "7".parse().unwrap(),
                operator: label("ops"),
                region: label("eu-1"),
                provider: label("own"),
            },
            Member::Coordinator {
                name: "main".parse().unwrap(),
                address: "coordinator.example.org:7443".parse().unwrap(),
            },
            Member::Service {
                name: "payments".parse().unwrap(),
                owners: vec!["bob".parse().unwrap()],
            },
            Member::Person {
                name: "alice".parse().unwrap(),
                standing: Standing {
                    recovery: Some(Recipient::from_bytes([2; 32]).unwrap()),
                    ..Standing::OFFICER
                },
            },
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for member in members() {
            let request = request(member);
            assert_eq!(JoinRequest::parse(&request.render().unwrap()), Ok(request));
        }
    }

    #[test]
    fn a_request_whose_signature_was_spoiled_is_refused() {
        let [node, ..] = members();
        let text = request(node).render().unwrap();
        let at = text.find("BEGIN CERTIFICATE REQUEST").unwrap() + 300;
        let mut bytes = text.into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(JoinRequest::parse(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn what_a_member_must_bring_is_not_left_out() {
        let [node, coordinator, service, _] = members();
        for (member, line) in
            [(node.clone(), "key"), (node, "region"), (coordinator, "address"), (service, "key")]
        {
            let text = request(member).render().unwrap();
            let lines = text.lines().filter(|found| !found.starts_with(&format!("{line} =")));
            let without: Vec<_> = lines.collect();
            assert!(JoinRequest::parse(&without.join("\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        let [node, ..] = members();
        let text = request(node).render().unwrap();
        assert!(JoinRequest::parse(&text.replace(KIND, "quorate-join/2")).is_err());
        assert!(JoinRequest::parse(&format!("extra = 1\n{text}")).is_err());
    }
}
