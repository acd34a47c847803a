//! The list, keys and logs: another root, another log, another's signature, a witness missing.

use super::*;

#[test]
fn roots_origins_and_foreign_keys() {
    let mut list = List::default();
    let mut forger = World::session();
    forger.root = SigningKey::new("root", [66; 32]);
    list.zip("a root replaced, and all that follows from it", "statement", forger.zip());
    forger.root = imposter(&World::session().root);
    list.zip("a root replaced by one of its name", "statement", forger.zip());
    list.changed("a statement signed under the root's name", "statement", |world, bundle| {
        bundle.statement = signed_by(&bundle.statement, &imposter(&world.root));
    });
    list.changed("a statement of the authority's", "statement", |world, bundle| {
        bundle.statement = signed_by(&bundle.statement, &world.authority);
    });
    list.changed("a statement with a second signature", "statement", |world, bundle| {
        let mut note = Note::parse(&bundle.statement).unwrap();
        note.add_signature(&world.authority);
        bundle.statement = note.to_bytes();
    });
    list.changed("a statement that had run out", "statement", |world, bundle| {
        let old = Statement { not_after: world.events[0].0.header().time, ..world.statement() };
        bundle.statement = old.sign(&world.root);
    });
    list.changed("a member note under the authority's name", "members/technician-1", |world, bundle| {
        bundle.members.insert(ANA, world.members[&ANA].sign(&imposter(&world.authority)));
    });
    list.changed("a member note of another key", "members/technician-1", |world, bundle| {
        let key = SigningKey::new("member", [50; 32]).verifier().clone();
        bundle.members.insert(ANA, Member { key, ..world.members[&ANA].clone() }.sign(&world.authority));
    });
    list.changed("a member note that had run out", "members/technician-1", |world, bundle| {
        let not_after = world.events[0].0.header().time;
        bundle.members.insert(ANA, Member { not_after, ..world.members[&ANA].clone() }.sign(&world.authority));
    });
    list.changed("no member note", "members/technician-1", |_, bundle| bundle.members.clear());
    list.changed("no batch note", "join.batch.technician-1", |_, bundle| bundle.batches.clear());
    let stranger = Strand::Observer(NonZeroU16::MIN);
    list.changed("a note of somebody who never joined", "members/observer-1", |_, bundle| {
        bundle.members.insert(stranger, bundle.members[&ANA].clone());
    });
    list.changed("a checkpoint under the log's name", "2", |world, bundle| {
        let note = world.log.checkpoint().sign(&imposter(&world.log.key));
        with_checkpoint(&mut bundle.entries[2], Note::parse(&note).unwrap());
    });
    list.changed("a batch note under the log's name", "join.batch.technician-1", |world, bundle| {
        let note = batch(world, bundle).sign(&imposter(&world.log.key));
        bundle.batches.get_mut(&ANA).unwrap().note = note;
    });
    let foreign = |world: &World| {
        let key = world.log.key.named(KeyName::new("elsewhere.example").unwrap());
        Checkpoint { origin: key.verifier().name.clone(), ..world.log.checkpoint() }.sign(&key)
    };
    list.changed("a foreign origin", "2", |world, bundle| {
        with_checkpoint(&mut bundle.entries[2], Note::parse(&foreign(world)).unwrap());
    });
    list.changed("a foreign origin first", "first.checkpoint", |world, b| b.first_checkpoint = foreign(world));
    list.changed("two roots at one size", "3", |world, bundle| {
        let size = world.log.checkpoint().size;
        let fork = Checkpoint::of(world.log.key.verifier(), size, [9; 32]).sign(&world.log.key);
        with_checkpoint(&mut bundle.entries[3], Note::parse(&fork).unwrap());
    });
    list.changed("a first checkpoint the log later denied", "consistency", |world, bundle| {
        let first = Checkpoint::open(&bundle.first_checkpoint, world.log.key.verifier()).unwrap();
        bundle.first_checkpoint = Checkpoint { root: [9; 32], ..first }.sign(&world.log.key);
    });
    list.told("two roots at one size, quoted", Some(4), |world| {
        let real = world.log.checkpoint();
        let quote = |root| After { origin: real.origin.clone(), size: real.size, root };
        world.receipts = false;
        world.authors.get_mut(&AGENT).unwrap().receipted(quote([9; 32]));
        world.chat(AGENT);
        world.authors.get_mut(&ANA).unwrap().receipted(quote(real.root));
        world.chat(ANA);
        world.receipts = true;
    });
    list.told("a checkpoint quoted before it was", None, |world| {
        let real = world.log.checkpoint();
        let early = After { origin: real.origin, size: real.size + 9, root: [9; 32] };
        world.authors.get_mut(&ANA).unwrap().receipted(early);
        world.chat(ANA);
    });
    list.told("a foreign key under the technician's name", None, |world| {
        let foreign = imposter(&world.keys[&ANA]);
        let real = world.keys.insert(ANA, foreign).unwrap();
        world.chat(ANA);
        world.keys.insert(ANA, real);
    });
    list.changed("participants with a key more", "participants", |_, bundle| {
        let key = SigningKey::new("member", [51; 32]);
        bundle.participants.extend(bundle::participants([(stranger, key.verifier())]).bytes());
    });
    list.changed("participants in another order", "participants", |_, bundle| {
        let lines: Vec<String> = text(&bundle.participants).lines().rev().map(|line| format!("{line}\n")).collect();
        bundle.participants = lines.concat().into();
    });
    let mut strict = World::session();
    strict.quorum = 1;
    let alone = Note::parse(&strict.log.checkpoint().sign(&strict.log.key)).unwrap();
    list.zip("a required witness missing", "0", with_common(strict.bundle(), &alone));
    let mut another = alone.clone();
    let line = venia_proto::ledger::cosignature::cosign(&another, &imposter(&strict.witness), 1_795_514_402);
    another.add_line(line);
    list.zip("a required witness under its name", "0", with_common(strict.bundle(), &another));
    list.judge("listed-keys");
}
