//! Who calls, by TLS certificate.

use quorate_api::status::{Failure, Reason};
use quorate_model::ServiceName;
use quorate_net::Peer;
use quorate_net::pki::Role;
use tonic::{Request, Status};

/// Lets services and people pass. Nodes have no business with the custody API.
pub(super) fn client<T>(request: &Request<T>) -> Result<Role, Status> {
    let peer = request.extensions().get::<Peer>();
    match peer.map(|peer| peer.identity().role.clone()) {
        Some(role @ (Role::Service(_) | Role::Person(_))) => Ok(role),
        Some(Role::Node(_) | Role::Coordinator(_)) | None => {
            let message = "the custody API is for services and people";
            Err(Failure::new(Reason::NotAuthorized, message).into())
        }
    }
}

/// Lets one service pass.
pub(super) fn service<T>(request: &Request<T>, service: &ServiceName) -> Result<(), Status> {
    is_service(&client(request)?, service)
}

/// Lets one service pass, of those who may call at all.
pub(super) fn is_service(caller: &Role, service: &ServiceName) -> Result<(), Status> {
    match caller {
        Role::Service(name) if name == service => Ok(()),
        Role::Service(_) | Role::Person(_) | Role::Node(_) | Role::Coordinator(_) => {
            let message = format!("only service {service} may do this to its own requests");
            Err(Failure::new(Reason::NotAuthorized, message).into())
        }
    }
}
