//! A witness: keeps the newest checkpoint of each log it watches, and cosigns only what continues it.
//!
//! ```text
//! log ── POST /add-checkpoint ──▶ [http] ──▶ [desk] judge ─▶ store, fsync ─▶ remember ─▶ cosign ──▶ log
//! ```
//!
//! What it may cosign is [`venia_proto::ledger::witness`]; the protocol is C2SP tlog-witness, so that a witness of this
//! program serves other people's logs and the other way round. It holds no ledger, reads no session and meets no agent:
//! its own folder, its own key, one small file per log.

pub mod desk;
pub mod http;
