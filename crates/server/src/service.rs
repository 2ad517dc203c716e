//! A task with an owner: started, told to stop, joined; and noticed when it ends by itself.

use anyhow::{Context, bail};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::serve::{EXIT_SECOND_SIGNAL, Signals};

/// Tells the owner that a service has ended.
pub type Ends = mpsc::Sender<&'static str>;

/// A channel for the names of services that end. The first is what matters, so it holds one, and further ones are dropped.
pub fn ends() -> (Ends, mpsc::Receiver<&'static str>) {
    mpsc::channel(1)
}

/// A task that runs until it is told to stop.
pub struct Service {
    /// For logs and errors.
    pub name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    /// Starts on a runtime what `run` makes of the token that will tell it to stop. `ends` hears its name when it ends, also
    /// by a panic.
    pub fn start<F, E>(name: &'static str, on: &Handle, ends: &Ends, run: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<anyhow::Error> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let running = run(stop.clone());
        let tell = TellOnDrop { name, ends: ends.clone() };
        let task = on.spawn(async move {
            let _tell = tell;
            running.await.map_err(Into::into)
        });
        Self { name, stop, task }
    }

    /// Tells it to stop and waits until it has. Its panic is an error.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.task.await.context("it panicked")?
    }
}

/// Lets services run until a signal comes, or one of them ends by itself; then stops them, one after the other, and says what was wrong.
/// `stopping` tells everybody else. A second signal ends the process at once.
pub async fn until_over(
    services: impl IntoIterator<Item = Service>,
    mut ended: mpsc::Receiver<&'static str>,
    mut signals: Signals,
    stopping: &CancellationToken,
) -> anyhow::Result<()> {
    let fault = tokio::select! {
        () = signals.next() => None,
        name = ended.recv() => name,
    };
    tracing::info!(fault, "shutting down");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(EXIT_SECOND_SIGNAL);
    });
    stopping.cancel();
    let mut ended_badly = Vec::new();
    for service in services {
        let name = service.name;
        if let Err(error) = service.stop().await {
            tracing::error!(service = name, error = format!("{error:#}"), "ended badly");
            ended_badly.push(format!("{name}: {error:#}"));
        }
    }
    match (ended_badly.is_empty(), fault) {
        (true, None) => Ok(()),
        (true, Some(name)) => bail!("the service {name} ended by itself"),
        (false, _) => bail!("{}", ended_badly.join("; ")),
    }
}

struct TellOnDrop {
    name: &'static str,
    ends: Ends,
}

impl Drop for TellOnDrop {
    fn drop(&mut self) {
        // Full: somebody else ended first, and that is being told already.
        let _ = self.ends.try_send(self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_that_panics_is_noticed_and_its_stop_is_an_error() {
        let (ends, mut ended) = ends();
        let service = Service::start("fragile", &Handle::current(), &ends, |_stop| async {
            if true {
                panic!("on purpose");
            }
            Ok::<(), anyhow::Error>(())
        });
        assert_eq!(ended.recv().await, Some("fragile"));
        assert!(service.stop().await.is_err());
    }

    #[tokio::test]
    async fn a_service_that_is_told_to_stop_ends_well() {
        let (ends, _ended) = ends();
        let service = Service::start("good", &Handle::current(), &ends, |stop| async move {
            stop.cancelled().await;
            Ok::<(), anyhow::Error>(())
        });
        service.stop().await.unwrap();
    }
}
