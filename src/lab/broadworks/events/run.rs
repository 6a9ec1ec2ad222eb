//! The worker of the event service: its timers, and its requests to HTTP contacts.

use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::contact::Contact;
use crate::lab::broadworks::events::desk::EventDesk;
use crate::lab::broadworks::events::ids::EventId;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Requests to HTTP contacts at once.
const POSTS: usize = 64;

/// A request to an HTTP contact.
pub(super) struct Post {
    pub(super) event: EventId,
    pub(super) uri: String,
    pub(super) document: Bytes,
    pub(super) within: Duration,
}

/// Runs the timers and the requests to HTTP contacts until `stop` fires; then all streams end.
pub(in crate::lab::broadworks) async fn run(
    desk: Arc<EventDesk>,
    stop: CancellationToken,
    tasks: Tasks,
) {
    let mut deadline = desk.deadline.subscribe();
    let queued = desk
        .queued
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut queued) = queued else {
        return;
    };
    let slots = Arc::new(Semaphore::new(POSTS));
    loop {
        let next = *deadline.borrow_and_update();
        // All branches may be dropped halfway without losing anything.
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            changed = deadline.changed() => {
                if changed.is_err() {
                    break;
                }
            }
            post = queued.recv() => {
                if let Some(post) = post {
                    tasks.connection(carry(Arc::clone(&desk), post, Arc::clone(&slots)));
                }
            }
            () = clock::passed(next) => {
                desk.run_due();
            }
        }
    }
    desk.close();
}

async fn carry(desk: Arc<EventDesk>, post: Post, slots: Arc<Semaphore>) {
    let Post {
        event,
        uri,
        document,
        within,
    } = post;
    let taken = match (slots.acquire().await, Contact::parse(&uri)) {
        (Ok(_slot), Ok(contact)) => contact.post(document, within).await,
        (Err(_), _) | (_, Err(_)) => false,
    };
    desk.put(Input::Posted { event, taken });
}
