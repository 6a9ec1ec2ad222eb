//! Who the members of a directory are.

use bytes::Bytes;
use http::Method;

use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;
use crate::outbound::broadworks::xsi::ANSWER_BYTES;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::call::To;
use crate::outbound::broadworks::xsi::target::ACTIONS;
use crate::outbound::broadworks::xsi::target::segment;

/// Entries asked for at once; the system may give fewer (Xsi-Actions field page, 3.6).
const PAGE: usize = 500;

/// Which directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// A user who sees it.
    pub user: String,
    /// That of the enterprise, or of the group.
    pub enterprise: bool,
}

impl XsiClient {
    /// The user ids of a directory in its order, at most `most`.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn members(
        &self,
        directory: &Directory,
        most: usize,
    ) -> Result<Vec<String>, XsiFailure> {
        let scope = if directory.enterprise {
            "Enterprise"
        } else {
            "Group"
        };
        let user = segment(&directory.user)?;
        let mut members = Vec::new();
        let mut start = 1;
        // Every page has an entry at least, or it is the last.
        while members.len() < most {
            let results = PAGE.min(most - members.len());
            let path = format!(
                "{ACTIONS}/user/{user}/directories/{scope}?start={start}&results={results}\
                 &sortColumn=lastName"
            );
            let body = self.ask(To::Any, Method::GET, &path, Bytes::new()).await?;
            let document =
                parse_xml(&body, ANSWER_BYTES, None).map_err(|_| XsiFailure::Unusable)?;
            let root = document.root();
            let before = members.len();
            let mut records = 0;
            for entry in entries(root) {
                records += 1;
                if let Some(id) = entry.child_text("userId") {
                    members.push(id.to_owned());
                }
            }
            start += records;
            let total = root.child_text("totalAvailableRecords");
            let total: Option<usize> = total.and_then(|text| text.parse().ok());
            if members.len() == before || total.is_none_or(|total| start > total) {
                break;
            }
        }
        members.truncate(most);
        Ok(members)
    }
}

fn entries(root: &Element) -> impl Iterator<Item = &Element> {
    let lists = root.children().iter();
    let lists = lists.filter(|list| list.local().ends_with("Directory"));
    lists.flat_map(|list| list.children_named("directoryDetails"))
}
