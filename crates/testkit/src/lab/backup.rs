//! Backups of a lab's nodes.

use quorate_backup::Draft;
use quorate_model::ParticipantId;
use quorate_protocol::Engine as _;
use quorate_protocol::Output;
use quorate_protocol::wire::CallId;
use quorate_signer::{Action, BackupRefusal, Input};

use super::Lab;

impl Lab {
    /// Has a node give away what a backup of it seals, as its administrator.
    ///
    /// # Errors
    /// The node's own, where it gives nothing.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn back_up(&mut self, node: ParticipantId) -> Result<Draft, BackupRefusal> {
        let now = self.moment(node);
        let (engine, disk) = self.nodes.get_mut(&node).expect("a node of the lab");
        let input = Input::CreateBackup { call: CallId(0) };
        for output in engine.handle(input, now, &mut self.rng) {
            match output {
                Output::Persist(records) => disk.apply(&records),
                Output::Act(Action::Backup { draft, .. }) => return draft.map(|draft| *draft),
                said => panic!("that is no backup: {said:?}"),
            }
        }
        panic!("every administrator has an answer")
    }
}
