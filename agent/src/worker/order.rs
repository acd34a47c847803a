//! What a worker will be told: made of a spent permit, completed with what only the agent can measure, started once.
//!
//! Not here: the process ([`super::parent`]) and who measures (the driver).

use std::time::Duration;

use rustix::process::getpid;
use serde::Serialize;
use venia_proto::catalog::{Catalog, FIGURES, Item, PLAN};
use venia_proto::consent::Permit;
use venia_proto::ledger::body::Arguments;

use super::{House, Program, REQUEST_MAX, Request, StartError, Worker};

/// What a worker will be told to do, by a permit that is spent: it can be started once, or dropped.
#[derive(Debug)]
pub struct Order {
    pub(super) program: Program,
    pub(super) request: Request,
    pub(super) deadline: Duration,
}

impl Order {
    /// Spends a permit, which only a live grant makes: an order for exactly what it allows.
    pub fn of(house: &House, catalog: &Catalog, permit: Permit) -> Result<Self, StartError> {
        let item = catalog.find(permit.item(), permit.definition()).ok_or(StartError::UnknownItem)?;
        let mut arguments = permit.arguments().clone();
        // A parameter can't have this name: it comes from the card and from nowhere else.
        arguments.extend(permit.plan().map(|plan| (PLAN.to_owned(), plan.to_owned())));
        Ok(Self::for_item(house, item, &arguments))
    }

    /// The same for one item, without a permit.
    pub(crate) fn for_item(house: &House, item: &Item, arguments: &Arguments) -> Self {
        let House { program, fences, home, private } = house;
        let request = Request {
            item: item.id.clone(),
            described: item.described.as_ref().map(|described| described.written.clone()),
            arguments: arguments.clone(),
            needs: item.needs.clone(),
            fences: *fences,
            home: home.clone(),
            private: private.clone(),
            agent: getpid().as_raw_pid(),
        };
        Self { program: program.clone(), request, deadline: Duration::from_millis(u64::from(item.deadline_ms)) }
    }

    /// Whether the item judges what the agent measures of its own connection.
    pub fn needs_figures(&self) -> bool {
        self.request.needs.connection
    }

    /// Adds what was measured. A parameter can't have this name either.
    pub fn with_figures(mut self, figures: &impl Serialize) -> Result<Self, StartError> {
        let figures = serde_json::to_string(figures).map_err(StartError::Encode)?;
        self.request.arguments.insert(FIGURES.to_owned(), figures);
        Ok(self)
    }

    /// Starts the worker. Belongs inside a tokio runtime, on one of its own threads: a worker dies with the *thread* that
    /// started it (PR_SET_PDEATHSIG), so not on a blocking-pool thread, which ends when idle.
    pub fn start(self) -> Result<Worker, StartError> {
        Worker::begin(self)
    }

    /// The one line its worker reads.
    pub(super) fn line(&self) -> Result<Vec<u8>, StartError> {
        let mut line = serde_json::to_vec(&self.request).map_err(StartError::Encode)?;
        line.push(b'\n');
        if line.len() > REQUEST_MAX { Err(StartError::TooLong) } else { Ok(line) }
    }
}
