//! `venia open`: sessions on a page in the technician's own browser, one after the other.
//!
//! The page has a thread of its own; here the sessions run, exactly as those of `venia join`. A code is used for one of them
//! and forgotten, and never tried again (SECURITY B1).

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use venia_proto::catalog::{Catalog, Goal};
use venia_relay::client::home::Home;
use venia_ui::cli::{Common, Program};
use venia_ui::failure::{Exit, Failure, Trouble};
use venia_ui::terminal::Screen;
use venia_ui::words::Words;

use super::join::{member, session};
use crate::driver::{Keys, Plan, Typed};
use crate::membership::{self, Membership};
use crate::page::{self, Me, Opening, Order, Page, Wish};
use crate::voice::Voice;
use crate::{Parts, packs};

pub(super) fn run(common: &Common, screen: &Screen, parts: Parts) -> Result<Exit, Failure> {
    let words = screen.words();
    let data = common.folder(Program::Console)?;
    let catalog = Arc::new(Catalog::built_in().with_packs(packs::all(&data)));
    let goals = Goal::built_in(&catalog).map_err(|error| super::broken_build(&error, words))?;
    let folder = data.clone();
    let (page, mut orders) = page::open(Opening {
        words: words.clone(),
        catalog: Arc::clone(&catalog),
        goals,
        member: Box::new(move || me(&folder)),
        announce: parts.announce,
        opens: parts.opens,
    })?;
    super::block_on(serve(&page, &mut orders, &data, &catalog, words), words)?
}

/// Sessions as the page wants them, until it is left.
async fn serve(
    page: &Page,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    data: &Path,
    catalog: &Catalog,
    words: &Words,
) -> Result<Exit, Failure> {
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        };
        match order {
            Some(Order::Begin(wish, typed)) => {
                let number = wish.number;
                let failure = one(page, *wish, typed, data, catalog).await.err();
                page.finish(number, failure);
            }
            Some(Order::Leave) => {
                page.shown().await;
                return Ok(Exit::Done);
            }
            Some(Order::Gone) | None => return Err(Failure::of(Trouble::NoPage, words)),
        }
    }
}

/// One session. What came of it is told on the page; the exit code is for scripts, which have `venia join`.
async fn one(
    page: &Page,
    wish: Wish,
    typed: mpsc::Receiver<Typed>,
    data: &Path,
    catalog: &Catalog,
) -> Result<(), Failure> {
    let Wish { code, reason, goal, scopes, words, .. } = wish;
    let tell = |told| page.tell(told);
    let mut voice = Voice::on_page(&words, catalog, &tell);
    let member = member(data, &words)?;
    let plan = Plan { reason, scopes: scopes.into_iter().collect(), runs: Vec::new(), goal, signoff: None };
    session(member, code, plan, Keys::Page(typed), &mut voice).await.map(drop)
}

/// Whose member this computer is, as its own folder says; a session asks the service again.
fn me(data: &Path) -> Option<Me> {
    let home = data.is_dir().then(|| Home::open(data, false).ok()).flatten()?;
    let member = Membership::load(home).ok().flatten()?;
    let own = membership::own(&member.note, member.statement.as_ref()?, member.key.verifier())?;
    Some(Me { name: own.name, level: own.level })
}
