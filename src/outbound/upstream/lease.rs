//! What a request holds of an upstream while it is there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::timeout;

use crate::outbound::connection::Connection;
use crate::outbound::upstream::Idle;
use crate::outbound::upstream::Upstream;
use crate::platform::clock;

/// How long a request waits for a free connection. Long enough for a burst to pass, short enough
/// that a stuck XSP does not gather waiting requests.
const BUSY_WAIT: Duration = Duration::from_millis(250);

/// A request's place at an upstream: it counts as in flight, may hold the one probe of a
/// probation, and later holds one of the permitted connections. Dropping it gives all back.
pub(in crate::outbound) struct Lease {
    pub(super) upstream: Arc<Upstream>,
    pub(super) probe: bool,
    pub(super) permit: bool,
}

impl Lease {
    pub(in crate::outbound) const fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Waits a little for a connection to be free; `false` when none is.
    pub(in crate::outbound) async fn permit(&mut self) -> bool {
        let permits = &self.upstream.permits;
        let permit = match permits.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_none_free) => match timeout(BUSY_WAIT, permits.acquire()).await {
                Ok(Ok(permit)) => Some(permit),
                Ok(Err(_)) | Err(_) => None,
            },
        };
        if let Some(permit) = permit {
            permit.forget();
            self.permit = true;
        }
        self.permit
    }

    /// Counts no longer among the connections that the pool may hold: it carries a stream, which
    /// costs the XSP no worker and has a limit of its own.
    pub(in crate::outbound) fn leave_cap(&mut self) {
        if std::mem::take(&mut self.permit) {
            self.upstream.permits.add_permits(1);
        }
    }

    /// Puts the connection to the idle ones, if it can carry another request.
    pub(in crate::outbound) fn give_back(self, mut connection: Box<Connection>) {
        if connection.rest() {
            let since = clock::mono();
            self.upstream.idle().push(Idle { connection, since });
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.upstream.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.permit {
            self.upstream.permits.add_permits(1);
        }
        if self.probe {
            self.upstream.standing.probe_ended();
        }
    }
}
