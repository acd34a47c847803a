//! What is assembled of a session's pieces is what an auditor's verifier accepts, and says what is missing.
#![expect(clippy::unwrap_used, reason = "a test")]

mod support;

use support::session;
use venia_proto::fingerprint::Fingerprint;
use venia_proto::id::Strand;
use venia_proto::ledger::kind::Kind;
use venia_proto::ledger::verify::{Finding, Roots, Verdict, verify};
use venia_relay::client::receipt::{Held, Proofs, assemble};

fn verdict(held: &Held, proofs: Option<&Proofs>, root: Fingerprint) -> Verdict {
    let zip = assemble(held, proofs).unwrap().to_zip().unwrap();
    verify(&zip, Roots { named: Some(root), known: &[] })
}

#[test]
fn f3_a_whole_session_is_intact_in_whatever_order_it_was_held() {
    let mut session = session(2);
    let root = Fingerprint::of(session.root.verifier());
    let first = verdict(&session.held, Some(&session.proofs), root);
    assert_eq!((first.verdict, first.why.as_str()), (Finding::Intact, ""), "{first:?}");
    assert_eq!(first.signed_by.get("technician-1").map(String::as_str), Some("Ana"));
    session.held.events.reverse();
    assert_eq!(verdict(&session.held, Some(&session.proofs), root), first);
}

#[test]
fn f3_without_the_relay_it_is_unclosed_and_holds() {
    let session = session(2);
    let root = Fingerprint::of(session.root.verifier());
    assert_eq!(verdict(&session.held, None, root).verdict, Finding::Unclosed);
    let mut late = session.proofs.clone();
    let close = session.held.events.iter().find(|event| matches!(event.header().kind, Kind::Close { .. })).unwrap();
    late.entries.remove(&(Strand::Agent, close.header().seq));
    assert!(!late.covers(close.header().seq) && session.proofs.covers(close.header().seq));
    assert_eq!(verdict(&session.held, Some(&late), root).verdict, Finding::Unclosed);
}

#[test]
fn e11_withheld_openings_leave_it_intact_and_strangers_openings_stay_out() {
    let mut session = session(2);
    let root = Fingerprint::of(session.root.verifier());
    session.held.openings.pop_first();
    session.held.openings.insert([9; 32], vec![1, 2, 3]);
    let found = verdict(&session.held, Some(&session.proofs), root);
    assert_eq!((found.verdict, found.withheld), (Finding::Intact, 1), "{found:?}");
}

/// A request that crossed the person's STOP was never in the agent's hands: the close doesn't count it.
#[test]
fn e7_what_the_close_does_not_count_is_left_out() {
    use venia_proto::ledger::strand::Author;
    use venia_proto::now::Wall;

    let mut session = session(2);
    let root = Fingerprint::of(session.root.verifier());
    let ana = venia_proto::key::SigningKey::new("member", [4; 32]);
    let technician = Strand::Technician(std::num::NonZeroU16::MIN);
    let mut author = Author::new(support::SESSION, technician);
    let close = session.held.events.pop().unwrap();
    session.held.events.iter().for_each(|event| author.follow(event));
    let opening = venia_proto::ledger::part::Opening::make([77; 32], b"{\"text\":\"late\"}").unwrap();
    let part = opening.part(venia_proto::ledger::part::PartName::Body, None);
    session.held.events.push(author.write(Kind::Chat, &[part], Wall::MAX, &ana));
    session.held.events.push(close);
    assert_eq!(verdict(&session.held, Some(&session.proofs), root).verdict, Finding::Intact);
}

#[test]
fn f3_swapped_proofs_are_broken() {
    let session = session(1);
    let root = Fingerprint::of(session.root.verifier());
    let mut swapped = session.proofs.clone();
    let (first, second) = ((Strand::Agent, 2), (Strand::Agent, 3));
    let (a, b) = (swapped.entries[&first].path.clone(), swapped.entries[&second].path.clone());
    swapped.entries.get_mut(&first).unwrap().path = b;
    swapped.entries.get_mut(&second).unwrap().path = a;
    assert_eq!(verdict(&session.held, Some(&swapped), root).verdict, Finding::Broken);
}
