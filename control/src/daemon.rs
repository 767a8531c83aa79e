//! The router process: configuration, ports, workers, control socket, signals.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dataplane::port;
use dataplane::router::{Router, Running};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use crate::api::types::{ConfigText, Refusal};
use crate::api::{ServeError, Socket};
use crate::client::DEFAULT_SOCKET;
use crate::config::{self, Config, ConfigErrors};
use crate::engine::{Engine, options, qos, size};

/// Time between two looks at the workers and the ports' lines.
const WATCH: Duration = Duration::from_millis(200);

/// Why the router process did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The file is not UTF-8.
    #[error("{path}:{line}: this line is not UTF-8; write the file as UTF-8, as TOML is")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The file cannot be read.
    #[error("{path}: {source}; name a configuration file that this user may read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has faults.
    #[error("{0}")]
    Config(ConfigErrors),
    /// It cannot be applied here: a device or capability is missing.
    #[error("{}", .0.message)]
    Apply(Refusal),
    /// The control socket.
    #[error(transparent)]
    Socket(#[from] ServeError),
    /// The system gives no threads or descriptors.
    #[error("the router cannot start: {0}")]
    System(#[from] io::Error),
    /// A worker ended by itself: a fault of the program.
    #[error("a forwarding loop ended by itself; the log says why")]
    WorkerEnded,
}

/// Reads a configuration file.
///
/// # Errors
/// [`DaemonError::Read`], [`DaemonError::NotText`]
pub fn read(path: &Path) -> Result<ConfigText, DaemonError> {
    let text = std::fs::read(path).map_err(|source| DaemonError::Read { path: path.into(), source })?;
    let text = String::from_utf8(text).map_err(|error| {
        let whole = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = whole.iter().filter(|byte| **byte == b'\n').count() + 1;
        DaemonError::NotText { path: path.into(), line }
    })?;
    Ok(ConfigText { file: path.display().to_string(), text })
}

/// Runs the router process on the configuration at `path` until SIGTERM or
/// SIGINT; SIGHUP applies the file again.
///
/// # Errors
/// [`DaemonError`]
pub fn run(path: &Path, socket: Option<&Path>) -> Result<(), DaemonError> {
    let text = read(path)?;
    let config = config::parse(&text.text, &text.file).map_err(DaemonError::Config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(path, text, config, socket))
}

async fn serve(
    path: &Path,
    text: ConfigText,
    config: Config,
    socket: Option<&Path>,
) -> Result<(), DaemonError> {
    // Before there is anything to clear up: a signal is never too early.
    let signals = Signals::listen()?;
    let configured = config.router.socket.as_deref().map(Path::new);
    let socket = Socket::bind(socket.or(configured).unwrap_or_else(|| Path::new(DEFAULT_SOCKET)))?;
    let (engine, running) = start(&text, &config)?;
    let (name, file) = (config.router.name.clone(), text.file.clone());
    // The engine keeps its own; of a large file this is much.
    drop((text, config));
    port::trim_heap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = socket.serve(engine.clone(), async move { drop(stopped.await) });
    let server = tokio::spawn(server);
    let sampling = tokio::spawn(sample(engine.clone()));
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!("{name} forwards; configuration {file}");
    let ended = watch(path, &engine, &running, signals).await;
    notify(&[sd_notify::NotifyState::Stopping]);
    sampling.abort();
    // The server ends on its own word; a client that lingers is cut off.
    let _ = stop.send(());
    let _ = tokio::time::timeout(Duration::from_secs(1), server).await;
    engine.close();
    running.stop();
    tracing::info!("stopped");
    ended
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("the service manager was not told: {error}");
    }
}

/// A router on threads that forwards by `config`.
fn start(text: &ConfigText, config: &Config) -> Result<(Arc<Engine>, Running), DaemonError> {
    let size = size(config);
    let router = Router::new(size)?;
    let engine = Arc::new(Engine::new(router.handle().clone(), size, config.router.clone()));
    let running = router.start(options(config))?;
    let applied = engine.apply(text).map_err(DaemonError::Apply)?;
    applied.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok((engine, running))
}

/// The signals the process answers to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Until a signal says stop, or a worker ends.
async fn watch(
    path: &Path,
    engine: &Arc<Engine>,
    running: &Running,
    mut signals: Signals,
) -> Result<(), DaemonError> {
    let mut alive = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return Ok(()),
            _ = signals.interrupt.recv() => return Ok(()),
            _ = signals.hangup.recv() => reload(path, engine).await,
            _ = alive.tick() => {
                if !running.is_alive() {
                    return Err(DaemonError::WorkerEnded);
                }
                follow_links(engine).await;
            }
        }
    }
}

async fn follow_links(engine: &Arc<Engine>) {
    let engine = engine.clone();
    if let Ok(Err(refusal)) = tokio::task::spawn_blocking(move || engine.follow_links()).await {
        tracing::warn!("the lines cannot be looked at: {}", refusal.message);
    }
}

/// Takes samples of the queues without end, for the rates that `show qos` tells.
async fn sample(engine: Arc<Engine>) {
    let mut period = tokio::time::interval(qos::PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = false;
    loop {
        period.tick().await;
        let engine = engine.clone();
        let done = tokio::task::spawn_blocking(move || engine.sample()).await;
        let failed = matches!(done, Ok(Err(_)));
        if let Ok(Err(refusal)) = done
            && !told
        {
            tracing::warn!("rates are not measured: {}", refusal.message);
        }
        told = failed;
    }
}

async fn reload(path: &Path, engine: &Arc<Engine>) {
    let (path, engine) = (path.to_owned(), engine.clone());
    let job = move || match read(&path) {
        Ok(text) => match engine.apply(&text) {
            Ok(done) => tracing::info!("{} applied again: {} changes", text.file, done.changes.len()),
            Err(refusal) => tracing::error!("{} refused, nothing changed: {}", text.file, refusal.message),
        },
        Err(error) => tracing::error!("{error}; nothing changed"),
    };
    // A panic in it is logged by the runtime; the router goes on.
    let _ = tokio::task::spawn_blocking(job).await;
}
