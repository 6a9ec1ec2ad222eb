//! The Application Server that is asked now: a reload may make it another one, or take it away.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::domain::provisioning::ids::ClusterName;
use crate::outbound::broadworks::ocip::Ocip;

/// Whoever asks from the start to the end of the daemon holds this and not an [`Ocip`], which ends
/// with the configuration that it was made for. Clones share it.
#[derive(Clone, Default)]
pub struct CurrentOcip(Arc<ArcSwapOption<Asked>>);

struct Asked {
    ocip: Ocip,
    /// Whose users it knows; `None`: nobody has said.
    cluster: Option<ClusterName>,
}

impl CurrentOcip {
    /// This one is asked from now on, `None`: none.
    pub fn publish(&self, ocip: Option<Ocip>, cluster: Option<ClusterName>) {
        let asked = ocip.map(|ocip| Arc::new(Asked { ocip, cluster }));
        self.0.store(asked);
    }

    /// The one there is, whatever cluster it belongs to.
    #[must_use]
    pub fn any(&self) -> Option<Ocip> {
        self.0.load().as_ref().map(|asked| asked.ocip.clone())
    }

    /// Whose users it knows, as far as that was said.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterName> {
        self.0.load().as_ref()?.cluster.clone()
    }

    /// The one that knows the users of a cluster.
    #[must_use]
    pub fn of(&self, cluster: &ClusterName) -> Option<Ocip> {
        let asked = self.0.load();
        let asked = asked.as_ref()?;
        (asked.cluster.as_ref() == Some(cluster)).then(|| asked.ocip.clone())
    }
}
