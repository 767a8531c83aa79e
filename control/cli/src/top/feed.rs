//! Asks the router, on a thread of its own: keys are heard while it does not answer.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use control::api::qos::{Qos, QosTree};
use control::client::{Client, ClientError};

use crate::output::encoded;

/// Time between two questions.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Every site.
    Sites,
    /// The whole tree of one.
    Site(String),
}

/// What the router said.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// Of every site.
    Sites(Qos),
    /// Of one; `None` where there is no such interface any more.
    Site(Option<Box<QosTree>>),
}

/// An answer, or why there is none.
#[derive(Debug)]
pub(super) struct News {
    /// To what.
    pub(super) want: Want,
    pub(super) told: Result<Told, String>,
}

/// The thread that asks.
#[derive(Debug)]
pub(super) struct Feed {
    wants: Sender<Want>,
    news: Receiver<News>,
}

/// One question.
pub(super) async fn ask(client: &Client, want: &Want) -> Result<Told, ClientError> {
    let Want::Site(name) = want else { return Ok(Told::Sites(client.get("/v1/qos").await?)) };
    let trees: Vec<QosTree> = client.get(&format!("/v1/qos/trees?site={}", encoded(name))).await?;
    Ok(Told::Site(trees.into_iter().next().map(Box::new)))
}

/// One question that ends in time.
async fn ask_briefly(client: &Client, want: &Want) -> Result<Told, String> {
    let answer = tokio::time::timeout(PATIENCE, ask(client, want)).await;
    answer.unwrap_or(Err(ClientError::TimedOut(PATIENCE))).map_err(|error| error.to_string())
}

impl Feed {
    /// Asks for `want` each second, until told otherwise; ends when it is dropped.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(client: Client, want: Want) -> io::Result<Self> {
        let (wants, asked) = channel();
        let (told, news) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("feed".into()).spawn(move || {
            let mut want = want;
            loop {
                let began = Instant::now();
                let answer = runtime.block_on(ask_briefly(&client, &want));
                if told.send(News { want: want.clone(), told: answer }).is_err() {
                    return;
                }
                match asked.recv_timeout(PERIOD.saturating_sub(began.elapsed())) {
                    Ok(other) => want = other,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { wants, news })
    }

    /// Asks for something else, at once.
    pub(super) fn want(&self, want: Want) {
        // It ends only with this.
        let _ = self.wants.send(want);
    }

    /// What has come, if anything has.
    pub(super) fn news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }
}
