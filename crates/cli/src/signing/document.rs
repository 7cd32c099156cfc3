//! Documents that an order brings into force: policy bundles, and versions of the trust root. The order
//! lies beside the document (`policy.toml.order`), and the signatures beside the order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_trust::{Namespace, Order, OrderAction, SignedOrder, SigningKey, TrustRoot};

use super::{order, signature};
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;

const SUFFIX: &str = ".order";

/// The order that goes with a document.
pub(crate) fn order_file(document: &Path) -> PathBuf {
    let mut path = document.as_os_str().to_owned();
    path.push(SUFFIX);
    path.into()
}

/// The order in a file, with the signatures beside it, and with its document, if it brings one.
pub(crate) fn read_order(file: &Path, root: &TrustRoot) -> Result<SignedOrder, Failure> {
    let text = files::read(file)?;
    let signatures = signature::beside(file, &text, Namespace::Order, root)?;
    let brings = Order::parse(&text)?.action.successor().is_some();
    let document = if brings { Some(files::read(&document_of(file)?)?) } else { None };
    let order = SignedOrder { text, signatures, document };
    order.verify(root)?;
    Ok(order)
}

fn document_of(order: &Path) -> Result<PathBuf, Failure> {
    let path = order.to_string_lossy();
    let document = path.strip_suffix(SUFFIX).map(PathBuf::from);
    document.ok_or_else(|| {
        let message =
            format!("{path}: the order of a document lies beside it, as DOCUMENT{SUFFIX}");
        Failure::new(Exit::Error, message)
    })
}

/// A document's order, which somebody here has just signed.
pub(crate) struct Signed<'a> {
    document: &'a Path,
    text: String,
    signature: PathBuf,
}

impl Signed<'_> {
    /// What was signed, and what comes next: the others sign with one command, and another carries it
    /// out.
    pub(crate) fn next(&self, sign: &str, carry_out: &str) -> String {
        let Self { document, text, signature } = self;
        format!(
            "You signed:\n\n{text}\nSignature: {}\n\
             Next, the others: quorate {sign} {document} --key FILE, or\n  \
             ssh-keygen -Y sign -n {} -f KEY {}\n\
             Then: quorate {carry_out} {document}",
            signature.display(),
            Namespace::Order,
            order_file(document).display(),
            document = document.display(),
        )
    }
}

/// Signs the order that brings a document: proposes it where nobody has yet.
pub(crate) fn sign<'a>(
    document: &'a Path,
    action: OrderAction,
    key: &SigningKey,
    lifetime: Duration,
    root: &TrustRoot,
) -> Result<Signed<'a>, Failure> {
    let file = order_file(document);
    if !file.exists() {
        files::create(&file, &order::propose(root, action.clone(), clock::now(), lifetime)?)?;
    }
    let text = files::read(&file)?;
    let proposed = Order::parse(&text)?;
    proposed.check(root)?;
    if proposed.action != action {
        let message = format!("{} is the order for another document", file.display());
        let hint = "the document was changed after it was proposed: remove the order and its \
                    signatures, and have everybody sign again";
        return Err(Failure::new(Exit::Error, message).hint(hint));
    }
    let signature = signature::sign_file(&file, &text, Namespace::Order, key, root)?;
    Ok(Signed { document, text, signature })
}
