//! Evidence against an author, from the moment it is refused to the file that anybody judges offline. (SECURITY E6)

use venia_proto::address::RelayAddress;
use venia_proto::invite::{Invite, SECRET};
use venia_proto::ledger::evidence::{Accusation, Claim, File};
use venia_proto::ledger::verify::Roots;
use venia_proto::statement::{Member, Role};

use super::super::super::admin::{Reply, Request, Why, carry_out};
use super::super::super::identity::Keys;
use super::super::super::members::{self, Invitee};
use super::super::super::organisation::Organisation;
use super::*;
use crate::client::home::Home;

fn organisation(folder: &std::path::Path) -> Organisation {
    let home = Arc::new(Home::open(&folder.join("relay"), true).unwrap());
    let keys = Keys::open(&home).unwrap();
    Organisation::open(home, keys, "help.example:4433".parse().unwrap(), |_| Ok(()), Wall::from_ms(START)).unwrap()
}

fn enrol(store: &mut Sqlite, address: RelayAddress, key: &SigningKey) {
    let invite = Invite::new(address, [7; SECRET]);
    let ana = Invitee::new("Ana", Role::Technician, 2).unwrap();
    members::invite(store, &ana, invite.hash(), Wall::from_ms(START)).unwrap();
    members::enroll(store, invite.secret.as_bytes(), key.verifier(), Wall::from_ms(START)).unwrap();
}

/// What the command writes; the number of all there are.
fn exported(store: &mut Sqlite, organisation: &Organisation, session: SessionId, number: usize) -> (File, usize) {
    let request = Request::EvidenceFile { session: session.to_string(), number: Some(number) };
    let (reply, _) = carry_out(store, organisation, request, Wall::from_ms(START));
    let Reply::EvidenceFile { text, of, .. } = reply else { panic!("{reply:?}") };
    (File::parse(text.as_bytes()).unwrap(), of)
}

#[tokio::test]
async fn e6_what_is_kept_of_an_author_is_a_file_that_verifies_offline() {
    let folder = tempfile::tempdir().unwrap();
    let organisation = organisation(folder.path());
    let (world, mut agent) = (world(Limits::default()), Agent::new(1));
    let mut events = vec![agent.open(), agent.join_technician()];
    let mut twin = agent.strand.clone();
    events.push(agent.write(Kind::Chat));
    let mut technician = Author::new(agent.session, Strand::Technician(NonZeroU16::MIN));
    let mut double = technician.clone();
    let member = agent.technician.named(agent.technician.verifier().name.clone());
    events.push(write(&mut technician, Kind::Request, &member).bytes().to_vec());
    world.submit(agent.submission(events)).await.unwrap();
    for other in [write(&mut twin, Kind::Note, &agent.key), write(&mut double, Kind::Note, &member)] {
        let refused = world.submit(agent.submission(vec![other.bytes().to_vec()])).await;
        assert_eq!(event_fault(refused), Some((0, EventFault::Equivocation)));
    }

    let mut store = Sqlite::open(&world.path).unwrap();
    enrol(&mut store, organisation.address(), &member);
    let roots = Roots { named: Some(organisation.served().statement.fingerprint()), known: &[] };
    let (reply, _) = carry_out(&mut store, &organisation, Request::Evidence, Wall::from_ms(START));
    let Reply::Evidence { evidence } = reply else { panic!("{reply:?}") };
    let listed: Vec<_> = evidence.iter().map(|one| (one.number, one.author.as_str(), one.seq)).collect();
    assert_eq!(listed, [(1, "agent", 2), (2, "technician-1", 0)]);

    let (file, of) = exported(&mut store, &organisation, agent.session, 1);
    let judged = file.judge(roots).unwrap();
    assert_eq!((of, judged.fault, judged.rooted, judged.proves), (2, Accusation::Equivocation, true, true));
    assert!(judged.who.starts_with("key "), "an agent has no name: {}", judged.who);

    let (file, _) = exported(&mut store, &organisation, agent.session, 2);
    assert_eq!(file.judge(roots).unwrap().who, "Ana");
    let Claim::Equivocation { member: Some(note), .. } = &file.claim else { panic!("{:?}", file.claim) };
    let note = Member::open(note, &organisation.served().statement.authority).unwrap();
    assert!(!note.valid_at(Wall::from_ms(START + 1)), "it names somebody, and lets nobody in");
    // A revoked member is named all the same: that is when it is needed.
    members::revoke(&mut store, "Ana", Wall::from_ms(START)).unwrap();
    assert_eq!(exported(&mut store, &organisation, agent.session, 2).0.judge(roots).unwrap().who, "Ana");

    for (session, number, why) in [
        (agent.session.to_string(), Some(0), Why::NoEvidence),
        (agent.session.to_string(), Some(3), Why::NoEvidence),
        (SessionId([9; 16]).to_string(), None, Why::NoEvidence),
        ("nonsense".to_owned(), None, Why::Malformed),
    ] {
        let request = Request::EvidenceFile { session, number };
        let (reply, _) = carry_out(&mut store, &organisation, request, Wall::from_ms(START));
        assert_eq!(reply, Reply::Refused { why });
    }
    world.audit();
}
