//! The system: client identities and the software version.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::oci_table::table;
use crate::lab::broadworks::ocip::requests::text;

/// Characters of a client identity (schema type `ClientIdentity`).
const IDENTITY: usize = 161;

/// Client identities at once. The lab's own bound: the state file is written whole.
const IDENTITIES: usize = 1000;

/// `SystemClientIdentityAddRequest`.
pub(super) fn add_client_identity(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let identity = text(body, "clientIdentity")?;
    if identity.chars().count() > IDENTITY {
        let why = format!("Element 'clientIdentity' is longer than {IDENTITY} characters.");
        return Err(Refusal::Validation(why));
    }
    lab.store.update(|directory| {
        let held = &mut directory.provisioning.client_identities;
        if held.len() >= IDENTITIES {
            let count = held.len().to_string();
            return Err(Refusal::Entry("Too many client identities", count));
        }
        if held.insert(identity.to_owned()) {
            Ok(Answer::done())
        } else {
            let what = "Client identity already exists";
            Err(Refusal::Entry(what, identity.to_owned()))
        }
    })
}

/// `SystemClientIdentityDeleteRequest`.
pub(super) fn delete_client_identity(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let identity = text(body, "clientIdentity")?;
    lab.store.update(|directory| {
        if directory.provisioning.client_identities.remove(identity) {
            Ok(Answer::done())
        } else {
            Err(Refusal::Entry(
                "Client identity not found",
                identity.to_owned(),
            ))
        }
    })
}

/// `SystemClientIdentityGetListRequest`.
pub(super) fn client_identities(directory: &Directory) -> Answer {
    let held = directory.provisioning.client_identities.iter();
    let rows = held.map(|identity| [identity.clone()]);
    let table = table("clientIdentityTable", ["Client Identity"], rows);
    Answer::data("SystemClientIdentityGetListResponse", vec![table])
}

/// `SystemSoftwareVersionGetRequest`.
pub(super) fn software_version() -> Answer {
    let body = vec![Element::leaf("version", "24.0")];
    Answer::data("SystemSoftwareVersionGetResponse", body)
}
