//! The trust root as text: what is hashed, shown, compared and signed.

use std::collections::{BTreeMap, BTreeSet};

use quorate_model::{PersonName, Threshold};

use super::{Lineage, NodeEntry, PersonEntry, Quorum, RootError, ServiceEntry, TrustRoot};
use crate::UserVerification;
use crate::text::{Reader, TextError, Writer, list, value};

const KIND: &str = "quorate-root/1";
const OFFICER: &str = "officer";
const REQUIRED: &str = "required";

impl TrustRoot {
    /// Reads the canonical text of a trust root.
    ///
    /// # Errors
    /// [`RootError`], naming the line, the field or the rule that was broken.
    pub fn parse(text: &str) -> Result<Self, RootError> {
        let mut reader = Reader::new(text, KIND)?;
        let mut root = Self {
            lineage: Lineage::read(&mut reader)?,
            created: reader.parse("created")?,
            policy: reader.parse("policy")?,
            threshold_floor: Threshold::new(reader.parse("threshold-floor")?)?,
            unfreeze_delay_s: reader.parse("unfreeze-delay-seconds")?,
            change_delay_s: reader.parse("change-delay-seconds")?,
            nodes: BTreeMap::new(),
            services: BTreeMap::new(),
            persons: BTreeMap::new(),
            quorums: BTreeMap::new(),
        };
        while let Some(id) = reader.optional("node") {
            let entry = NodeEntry {
                identity: reader.parse("identity")?,
                tls: reader.parse("tls")?,
                operator: reader.parse("operator")?,
                region: reader.parse("region")?,
                provider: reader.parse("provider")?,
                recovery: recovery(&mut reader)?,
            };
            root.nodes.insert(value("node", id)?, entry);
        }
        while let Some(name) = reader.optional("service") {
            let mut entry = ServiceEntry { key: reader.parse("key")?, owners: BTreeSet::new() };
            while let Some(owner) = reader.optional("owner") {
                entry.owners.insert(value("owner", owner)?);
            }
            root.services.insert(value("service", name)?, entry);
        }
        while let Some(name) = reader.optional("person") {
            let mut entry = PersonEntry {
                officer: reader.text("role")? == OFFICER,
                user_verification: match reader.text("user-verification")? {
                    REQUIRED => UserVerification::Required,
                    _ => UserVerification::NotRequired,
                },
                credentials: BTreeSet::new(),
                recovery: None,
            };
            while let Some(credential) = reader.optional("credential") {
                entry.credentials.insert(value("credential", credential)?);
            }
            let recipient = reader.optional("recovery");
            entry.recovery = recipient.map(|text| value("recovery", text)).transpose()?;
            root.persons.insert(value("person", name)?, entry);
        }
        while let Some(name) = reader.optional("quorum") {
            let quorum = Quorum {
                required: reader.parse("required")?,
                members: list("members", reader.text("members")?)?.into_iter().collect(),
            };
            root.quorums.insert(value("quorum", name)?, quorum);
        }
        reader.finish()?;
        if root.render() != text {
            return Err(TextError::NotCanonical.into());
        }
        root.check()?;
        Ok(root)
    }

    /// The canonical text: what is hashed, shown and compared.
    pub fn render(&self) -> String {
        let mut text = Writer::new(KIND);
        if let Some(lineage) = &self.lineage {
            lineage.write(&mut text);
        }
        text.field("created", self.created).field("policy", self.policy);
        text.field("threshold-floor", self.threshold_floor);
        text.field("unfreeze-delay-seconds", self.unfreeze_delay_s);
        text.field("change-delay-seconds", self.change_delay_s);
        for (id, node) in &self.nodes {
            text.field("node", id).field("identity", node.identity).field("tls", node.tls);
            text.field("operator", &node.operator).field("region", &node.region);
            text.field("provider", &node.provider);
            if let Some(Quorum { required, members }) = &node.recovery {
                text.field("recovery-required", required);
                text.field("recovery-officers", names(members));
            }
        }
        for (name, service) in &self.services {
            text.field("service", name).field("key", service.key);
            for owner in &service.owners {
                text.field("owner", owner);
            }
        }
        for (name, person) in &self.persons {
            let role = if person.officer { OFFICER } else { "approver" };
            let verification = match person.user_verification {
                UserVerification::Required => REQUIRED,
                UserVerification::NotRequired => "not required",
            };
            text.field("person", name).field("role", role);
            text.field("user-verification", verification);
            for credential in &person.credentials {
                text.field("credential", credential);
            }
            if let Some(recipient) = &person.recovery {
                text.field("recovery", recipient);
            }
        }
        for (name, quorum) in &self.quorums {
            text.field("quorum", name).field("required", quorum.required);
            text.field("members", names(&quorum.members));
        }
        text.finish()
    }
}

/// Who opens the backups of the node that was read last.
fn recovery(reader: &mut Reader<'_>) -> Result<Option<Quorum>, TextError> {
    let Some(required) = reader.optional("recovery-required") else { return Ok(None) };
    let required = value("recovery-required", required)?;
    let members = list("recovery-officers", reader.text("recovery-officers")?)?;
    Ok(Some(Quorum { required, members: members.into_iter().collect() }))
}

fn names(members: &BTreeSet<PersonName>) -> String {
    members.iter().map(PersonName::as_str).collect::<Vec<_>>().join(",")
}
