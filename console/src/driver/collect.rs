//! After the session: proofs from the relay, the technician's bundle on the disk, and what it is worth.
//!
//! The bundle holds only what was sent to this technician (SECURITY E11). It is verified here by the same rules and from
//! the same pinned root as an auditor would; nothing is called intact because it was just written.
//!
//! The log's newest checkpoint is kept from session to session, and held against what the agent was shown: a log that
//! doesn't continue it has shown two histories, and both signed checkpoints are kept as evidence (SECURITY F4).

use std::path::PathBuf;
use std::time::Duration;

use venia_proto::catalog::Catalog;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::SessionId;
use venia_proto::key::VerifierKey;
use venia_proto::ledger::bundle::Bundle;
use venia_proto::ledger::checkpoint::Checkpoint;
use venia_proto::ledger::cosignature::Witnessed;
use venia_proto::ledger::gossip::Input;
use venia_proto::ledger::verify::{Finding, Roots, verify};
use venia_proto::statement::Statement;
use venia_relay::client::control::Control;
use venia_relay::client::gossip::{Said, Talk};
use venia_relay::client::home::{Home, HomeError};
use venia_relay::client::receipt::{self, Held, Proofs};

use super::record::Record;
use crate::clock;
use crate::keeping::{SESSIONS, bundle_name, promise};
use crate::seen;

/// How long the relay may take for what is still open about its log.
const CONTINUITY: Duration = Duration::from_secs(2);

const README: &str = "\
This is the record of one support session, as the technician may keep it.
Este es el registro de una sesión de soporte, tal como lo puede guardar el técnico.

    venia verify session-….zip --root FINGERPRINT

Everything in it can be checked offline: docs/ledger.md describes every file.
Todo se puede comprobar sin conexión: docs/ledger.md describe cada archivo.
";

/// Whose session it was.
pub(crate) struct Place<'a> {
    pub(crate) home: &'a Home,
    pub(crate) root: Fingerprint,
    pub(crate) session: SessionId,
    pub(crate) log: &'a VerifierKey,
    pub(crate) statement: Vec<u8>,
    pub(crate) member: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The bundle.
    pub(crate) bundle: Option<PathBuf>,
    /// What it is worth.
    pub(crate) verdict: Option<Finding>,
    /// Who cosigned it, where the statement names witnesses.
    pub(crate) witnessed: Option<Witnessed>,
    /// Whether everything is on record and proven, and only cosignatures are missing: they may trail.
    pub(crate) trails: bool,
    /// Where evidence against the log was kept.
    pub(crate) evidence: Option<PathBuf>,
}

/// Fetches, assembles, writes, verifies. `talk`: what both sides showed each other, over the same connection to the relay as `control`.
pub(crate) async fn collect(
    record: &Record,
    control: &Control,
    talk: &mut Talk<'_>,
    place: Place<'_>,
    patience: Duration,
) -> Result<Collected, HomeError> {
    let Some(first) = record.first() else {
        seen::remember(place.home, talk)?;
        return Ok(Collected::default());
    };
    let first_size = Checkpoint::of_note(&first.checkpoint, place.log).map_or(0, |checkpoint| checkpoint.size);
    let proofs = receipt::fetch(control, place.session, first_size, record.close(), patience).await;
    let proofs = proofs.inspect_err(|error| tracing::info!(%error, "no proofs")).ok();
    let evidence = match &proofs {
        Some(proofs) => continuity(talk, &place, proofs).await?,
        None => seen::remember(place.home, talk).map(|()| None)?,
    };
    let Some(mut held) = record.held(place.statement, place.member) else { return Ok(Collected::default()) };
    held.readme = Some(README.as_bytes().to_vec());
    let Some(zip) = packed(&held, proofs.as_ref()) else { return Ok(Collected { evidence, ..Collected::default() }) };
    let sessions = Home::open(&place.home.dir().join(SESSIONS), false)?;
    let name = bundle_name(place.session);
    let days = Statement::open(&held.statement, &place.root).map_or(0, |statement| statement.keep_days);
    promise(&sessions, place.session, days, clock::now().wall)?;
    sessions.write(&name, &zip)?;
    let verdict = verify(&zip, Roots { named: Some(place.root), known: &[] });
    if verdict.verdict == Finding::Broken {
        tracing::warn!(at = ?verdict.at, why = verdict.why, "the record is broken");
    }
    let statement = Statement::open(&held.statement, &place.root).ok();
    let lacks = |proofs: &Proofs| {
        let found = statement.as_ref().and_then(|statement| proofs.witnessed(statement));
        record.close().is_some_and(|close| proofs.covers(close)) && found.is_some_and(|found| !found.has_quorum())
    };
    Ok(Collected {
        bundle: Some(sessions.path(&name)?),
        verdict: Some(verdict.verdict),
        witnessed: verdict.witnessed,
        trails: proofs.as_ref().is_some_and(lacks),
        evidence,
    })
}

fn packed(held: &Held, proofs: Option<&Proofs>) -> Option<Vec<u8>> {
    let zip = |mut bundle: Bundle| {
        bundle.receipt = venia_ui::receipt::of_bundle(&bundle, &Catalog::built_in());
        bundle.to_zip().inspect_err(|error| tracing::warn!(%error, "the record")).ok()
    };
    receipt::assemble(held, proofs).inspect_err(|error| tracing::warn!(%error, "the record")).ok().and_then(zip)
}

/// Does the log continue what it showed here and to the agent, up to the checkpoint of the proofs? Keeps the largest
/// checkpoint, or the evidence.
async fn continuity(talk: &mut Talk<'_>, place: &Place<'_>, proofs: &Proofs) -> Result<Option<PathBuf>, HomeError> {
    talk.hear(clock::now().boot_ms, Input::Receipt(proofs.checkpoint.clone()));
    talk.settle(|| clock::now().boot_ms, CONTINUITY).await;
    let mut evidence = None;
    while let Some(said) = talk.poll() {
        if let Said::Evidence { log, found } = said {
            evidence = Some(seen::keep_evidence(place.home, &place.statement, &log, &found)?);
        }
    }
    seen::remember(place.home, talk)?;
    Ok(evidence)
}
