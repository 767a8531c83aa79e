//! One handler a request; each is a question to, or an order for, the engine.
//!
//! The engine's work blocks (files, devices, workers' answers), so it is done
//! off the threads that serve connections.

use axum::Json;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::lsp::LspPing;
use super::serve::{Peer, Served};
use super::types::{ConfigText, Ping, Refusal};
use crate::commit::{LabelChange, RouteChange};
use crate::engine::{Engine, refuse};
use crate::explain::Question;
use crate::show::{LspFilter, RouteFilter};

/// Largest request body, bytes.
const LARGEST: usize = 128 << 20;

/// All requests the router answers.
pub(super) fn routes(served: Served) -> axum::Router {
    axum::Router::new()
        .route("/v1/version", get(|s: State<Served>| show(s, |e| Ok(e.version()))))
        .route("/v1/ports", get(|s: State<Served>| show(s, Engine::ports)))
        .route("/v1/interfaces", get(|s: State<Served>| show(s, Engine::interfaces)))
        .route("/v1/neighbours", get(|s: State<Served>| show(s, Engine::neighbours)))
        .route("/v1/qos", get(|s: State<Served>| show(s, Engine::qos)))
        .route("/v1/qos/trees", get(qos_trees))
        .route("/v1/policers", get(|s: State<Served>| show(s, Engine::policers)))
        .route("/v1/rules", get(|s: State<Served>| show(s, Engine::rules)))
        .route("/v1/drops", get(|s: State<Served>| show(s, |e| Ok(e.drops()))))
        .route("/v1/workers", get(|s: State<Served>| show(s, Engine::workers)))
        .route("/v1/process", get(|s: State<Served>| show(s, |e| Ok(e.process()))))
        .route("/v1/routes", get(list_routes).post(change_routes))
        .route("/v1/labels", get(|s: State<Served>| show(s, |e| Ok(e.list_labels()))).post(change_labels))
        .route("/v1/lsps", get(list_lsps))
        .route("/v1/vrfs", get(|s: State<Served>| show(s, |e| Ok(e.vrfs()))))
        .route("/v1/routes/summary", get(|s: State<Served>| show(s, |e| Ok(e.summary()))))
        .route("/v1/apply", post(apply))
        .route("/v1/diff", post(diff))
        .route("/v1/ping", post(ping))
        .route("/v1/lsp/ping", post(lsp_ping))
        .route("/v1/explain", post(explain))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, refuse("the router knows no such request")) })
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(served)
}

fn refused(status: StatusCode, refusal: Refusal) -> Response {
    (status, Json(refusal)).into_response()
}

/// Does blocking work and answers with what it gives.
async fn work<T: Serialize + Send + 'static>(
    served: Served,
    job: impl FnOnce(&Engine) -> Result<T, Refusal> + Send + 'static,
) -> Response {
    let done = tokio::task::spawn_blocking(move || job(&served.engine)).await;
    match done {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(refusal)) => refused(StatusCode::UNPROCESSABLE_ENTITY, refusal),
        Err(error) => {
            tracing::error!("a request failed: {error}");
            refused(StatusCode::INTERNAL_SERVER_ERROR, refuse("the request failed inside the router"))
        }
    }
}

async fn show<T: Serialize + Send + 'static>(
    State(served): State<Served>,
    question: fn(&Engine) -> Result<T, Refusal>,
) -> Response {
    work(served, question).await
}

/// As [`work`], for those who may change things.
async fn change<T: Serialize + Send + 'static>(
    served: Served,
    peer: Peer,
    what: &'static str,
    job: impl FnOnce(&Engine) -> Result<T, Refusal> + Send + 'static,
) -> Response {
    if !peer.may_change(served.own) {
        tracing::warn!("{what} refused to {}", peer.name());
        let message = format!("{what} is for root and the user the router runs as, not for {}", peer.name());
        return refused(StatusCode::FORBIDDEN, refuse(message));
    }
    work(served, job).await
}

/// Which sites.
#[derive(Debug, Deserialize)]
struct Site {
    site: Option<String>,
}

async fn qos_trees(State(served): State<Served>, Query(asked): Query<Site>) -> Response {
    work(served, move |engine| engine.qos_trees(asked.site.as_deref())).await
}

async fn list_routes(State(served): State<Served>, Query(filter): Query<RouteFilter>) -> Response {
    work(served, move |engine| Ok(engine.list_routes(&filter))).await
}

async fn change_routes(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(batch): Json<Vec<RouteChange>>,
) -> Response {
    change(served, peer, "changing routes", move |engine| engine.routes(&batch)).await
}

async fn change_labels(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(batch): Json<Vec<LabelChange>>,
) -> Response {
    change(served, peer, "changing labels", move |engine| engine.labels(&batch)).await
}

async fn list_lsps(State(served): State<Served>, Query(filter): Query<LspFilter>) -> Response {
    work(served, move |engine| Ok(engine.lsps(&filter))).await
}

async fn apply(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(text): Json<ConfigText>,
) -> Response {
    change(served, peer, "applying a configuration", move |engine| {
        let applied = engine.apply(&text);
        match &applied {
            Ok(done) => {
                tracing::info!("{} applied by {}: {} changes", text.file, peer.name(), done.changes.len());
            }
            Err(refusal) => tracing::warn!("{} refused: {}", text.file, refusal.message),
        }
        applied
    })
    .await
}

async fn diff(State(served): State<Served>, Json(text): Json<ConfigText>) -> Response {
    work(served, move |engine| engine.diff(&text)).await
}

async fn ping(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(request): Json<Ping>,
) -> Response {
    change(served, peer, "sending pings", move |engine| engine.ping(&request)).await
}

async fn lsp_ping(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Json(request): Json<LspPing>,
) -> Response {
    change(served, peer, "sending MPLS echo requests", move |engine| engine.lsp_ping(&request)).await
}

async fn explain(State(served): State<Served>, Json(question): Json<Question>) -> Response {
    work(served, move |engine| engine.explain(&question)).await
}
