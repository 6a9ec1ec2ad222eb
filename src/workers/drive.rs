//! Runs any [`Machine`] on real time.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::machine::Machine;
use crate::platform::clock;

/// Runs `machine` until `stop` fires or every sender of `inputs` is gone.
///
/// `act` carries out its actions one after the other; while it does, inputs wait in their bounded
/// channel, so an action that takes long belongs into a task of its own that reports back with an
/// input.
pub async fn drive<M, A, F>(
    mut machine: M,
    mut inputs: mpsc::Receiver<M::Input>,
    stop: CancellationToken,
    mut act: A,
) where
    M: Machine,
    A: FnMut(M::Action) -> F,
    F: Future<Output = ()>,
{
    loop {
        if cfg!(debug_assertions) {
            machine.check_invariants();
        }
        while let Some(action) = machine.poll_action() {
            act(action).await;
        }
        // All three branches may be dropped halfway without losing anything.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            input = inputs.recv() => {
                let Some(input) = input else { return };
                let now = clock::now();
                machine.handle(input, now);
                // A flood of inputs must not keep a deadline waiting.
                if machine.deadline().is_some_and(|deadline| deadline <= now.mono) {
                    machine.handle_timeout(now);
                }
            }
            () = clock::passed(machine.deadline()) => machine.handle_timeout(clock::now()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::Instant;

    use super::*;

    use crate::domain::machine::Now;
    use crate::platform::tasks::Tasks;

    /// Adds up its inputs and tells the sum one second after the first.
    #[derive(Default)]
    struct Sum {
        sum: u32,
        due: Option<Instant>,
        told: Option<u32>,
    }

    impl Machine for Sum {
        type Input = u32;
        type Action = u32;

        fn handle(&mut self, input: u32, now: Now) {
            self.sum += input;
            self.due.get_or_insert(now.mono + Duration::from_secs(1));
        }

        fn handle_timeout(&mut self, now: Now) {
            if self.due.is_some_and(|due| due <= now.mono) {
                self.due = None;
                self.told = Some(std::mem::take(&mut self.sum));
            }
        }

        fn deadline(&self) -> Option<Instant> {
            self.due
        }

        fn poll_action(&mut self) -> Option<u32> {
            self.told.take()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn inputs_reach_the_machine_and_actions_come_at_the_deadline() {
        let tasks = Tasks::new();
        let (inputs, received) = mpsc::channel(4);
        let (told, mut heard) = mpsc::channel(4);
        let started = clock::mono();
        tasks.worker(
            "sum",
            drive(Sum::default(), received, tasks.stop(), move |sum| {
                let told = told.clone();
                async move { told.send(sum).await.unwrap() }
            }),
        );
        for input in [1, 2, 3] {
            inputs.send(input).await.unwrap();
        }
        assert_eq!(heard.recv().await, Some(6));
        assert_eq!(clock::mono() - started, Duration::from_secs(1));
        tasks.stop().cancel();
        tasks.join().await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_nobody_can_send_inputs_any_more() {
        let (inputs, received) = mpsc::channel::<u32>(1);
        drop(inputs);
        let stop = CancellationToken::new();
        drive(Sum::default(), received, stop, |_| std::future::ready(())).await;
    }
}
