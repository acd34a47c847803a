use super::*;
use crate::now::Wall;

struct Room {
    waiting: Waiting,
    now_ms: u64,
}

impl Room {
    fn new() -> Self {
        let mut room = Self { waiting: Waiting::new(), now_ms: 0 };
        assert_eq!(room.drain(), ["register"]);
        room
    }

    fn with_code() -> Self {
        let mut room = Self::new();
        assert_eq!(room.numbered(), ["show"]);
        room
    }

    fn numbered(&mut self) -> Vec<String> {
        self.numbered_as(417)
    }

    fn numbered_as(&mut self, number: u32) -> Vec<String> {
        let number = CodeNumber::new(number).unwrap();
        self.give(Input::Numbered { number, random: [1, 2, 3, 4], language: Language::Es })
    }

    fn give(&mut self, input: Input) -> Vec<String> {
        self.waiting.handle(Now { boot_ms: self.now_ms, wall: Wall::from_ms(0) }, input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(output) = self.waiting.poll_output() {
            said.push(match output {
                Output::Register => "register".to_owned(),
                Output::RegisterAgain => "register again".to_owned(),
                Output::Away => "away".to_owned(),
                Output::Back => "back".to_owned(),
                Output::Show => "show".to_owned(),
                Output::Try(flow, _) => format!("try {}", flow.0),
                Output::Refuse(flow) => format!("refuse {}", flow.0),
                Output::Report(flow, outcome) => format!("report {} {outcome:?}", flow.0),
                Output::Begin(flow) => format!("begin {}", flow.0),
                Output::End(end) => format!("end {end:?}"),
            });
        }
        said
    }
}

const ONE: FlowId = FlowId(1);
const TWO: FlowId = FlowId(2);

#[test]
fn b1_the_first_message_spends_the_code() {
    let mut room = Room::with_code();
    assert_eq!(room.give(Input::FirstMessage(ONE)), ["try 1"]);
    assert!(room.waiting.code().is_none());
    assert_eq!(room.give(Input::FirstMessage(TWO)), ["refuse 2"], "one attempt in flight");
    assert_eq!(room.give(Input::Paired(TWO, PairingOutcome::Agreed)), [""; 0], "only the one that had the code");
    assert_eq!(room.give(Input::Paired(ONE, PairingOutcome::Agreed)), ["report 1 Agreed", "begin 1"]);
    assert_eq!(room.waiting.deadline(), None);
    assert_eq!(room.give(Input::FirstMessage(TWO)), [""; 0]);
}

#[test]
fn b1_wrong_broken_off_and_timed_out_all_burn() {
    let ends: [fn(&mut Room) -> Vec<String>; 3] = [
        |room| room.give(Input::Paired(ONE, PairingOutcome::WrongCode)),
        |room| room.give(Input::Gone(ONE)),
        |room| {
            room.now_ms += timer::PAIRING_MS;
            room.give(Input::Tick)
        },
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let mut room = Room::with_code();
        room.give(Input::FirstMessage(ONE));
        let said = end(&mut room);
        assert!(said[0].starts_with("report 1") && said[1] == "register", "{n}: {said:?}");
        assert!(room.waiting.code().is_none(), "{n}");
        assert_eq!(room.give(Input::Paired(ONE, PairingOutcome::Agreed)), [""; 0], "{n}: burnt is burnt");
    }
}

#[test]
fn b1_a_pairing_below_at_and_above_its_time() {
    for (wait, burnt) in [(timer::PAIRING_MS - 1, false), (timer::PAIRING_MS, true), (timer::PAIRING_MS + 1, true)] {
        let mut room = Room::with_code();
        room.give(Input::FirstMessage(ONE));
        room.now_ms += wait;
        let said = room.give(Input::Paired(ONE, PairingOutcome::Agreed));
        assert_eq!(said.contains(&"begin 1".to_owned()), !burnt, "{wait}");
    }
}

#[test]
fn b1_three_replacements_then_somebody_interferes() {
    let mut room = Room::with_code();
    for burnt in 1..=4 {
        room.give(Input::FirstMessage(ONE));
        let said = room.give(Input::Paired(ONE, PairingOutcome::WrongCode));
        let next = if burnt <= REPLACEMENTS_MAX { "register" } else { "end Interfered" };
        assert_eq!(said, ["report 1 WrongCode", next], "{burnt}");
        room.numbered();
    }
    assert!(room.waiting.code().is_none());
    assert_eq!(room.waiting.deadline(), None);
}

#[test]
fn a_code_below_at_and_above_ten_minutes() {
    for (wait, over) in [(timer::CODE_MS - 1, false), (timer::CODE_MS, true), (timer::CODE_MS + 1, true)] {
        let mut room = Room::with_code();
        room.now_ms += wait;
        let said = room.give(Input::FirstMessage(ONE));
        assert_eq!(said == ["end Expired"], over, "{wait} {said:?}");
        assert!(room.waiting.code().is_none(), "{wait}");
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut room = Room::with_code();
    room.now_ms += timer::CODE_MS;
    assert_eq!(room.give(Input::Tick), ["end Expired"]);
    assert!(room.waiting.code().is_none());
    assert_eq!(room.numbered(), [""; 0]);
    let mut room = Room::with_code();
    for _ in 0..=REPLACEMENTS_MAX {
        room.give(Input::FirstMessage(ONE));
        room.now_ms += timer::PAIRING_MS;
        let said = room.give(Input::FirstMessage(TWO));
        let last = said.last().map(String::as_str);
        assert!(matches!(last, Some("refuse 2" | "end Interfered")), "{said:?}");
        room.numbered();
    }
}

#[test]
fn a_relay_that_blinks_leaves_the_code_as_it_was_read_aloud() {
    let mut room = Room::with_code();
    let password = |room: &Room| room.waiting.code().unwrap().password().to_string();
    let before = password(&room);
    assert_eq!(room.give(Input::RelayLost), ["away"]);
    assert_eq!(room.give(Input::RelayLost), [""; 0]);
    assert_eq!(room.give(Input::RelayFound), ["register again"]);
    assert_eq!(room.give(Input::RelayFound), [""; 0]);
    assert_eq!(room.numbered(), ["back"]);
    assert_eq!(password(&room), before);
}

#[test]
fn a_relay_that_forgot_its_numbers_gets_another_code_made() {
    let mut room = Room::with_code();
    room.give(Input::RelayLost);
    room.give(Input::RelayFound);
    assert_eq!(room.numbered_as(418), ["show"]);
    assert_eq!(room.waiting.code().unwrap().number().get(), 418);
}

#[test]
fn a_code_is_not_waited_for_longer_because_the_relay_is_away() {
    let mut room = Room::with_code();
    room.give(Input::RelayLost);
    room.now_ms += timer::CODE_MS - 1;
    assert_eq!(room.give(Input::Tick), [""; 0]);
    room.now_ms += 1;
    assert_eq!(room.give(Input::Tick), ["end RelayLost"]);
}

#[test]
fn without_a_code_half_a_minute_without_a_relay_is_the_end() {
    for (wait, over) in [(timer::LOST_MS - 1, false), (timer::LOST_MS, true), (timer::LOST_MS + 1, true)] {
        let mut room = Room::new();
        assert_eq!(room.give(Input::RelayLost), [""; 0]);
        room.now_ms += wait;
        assert_eq!(room.give(Input::Tick) == ["end RelayLost"], over, "{wait}");
        if !over {
            assert_eq!(room.give(Input::RelayFound), ["register"]);
            room.now_ms += timer::LOST_MS;
            assert_eq!(room.numbered(), ["show"]);
        }
    }
}

#[test]
fn a_code_burnt_while_the_relay_is_away_is_replaced_once_it_is_back() {
    let mut room = Room::with_code();
    room.give(Input::FirstMessage(ONE));
    assert_eq!(room.give(Input::RelayLost), [""; 0]);
    assert_eq!(room.give(Input::Gone(ONE)), ["report 1 Abandoned"]);
    assert_eq!(room.give(Input::RelayFound), ["register"]);
    assert_eq!(room.numbered(), ["show"]);
    // One that is under way goes on: its flow is this registration's. The number it has is no new code.
    room.give(Input::FirstMessage(TWO));
    room.give(Input::RelayLost);
    assert_eq!(room.give(Input::RelayFound), ["register again"]);
    assert_eq!(room.numbered_as(419), [""; 0]);
    assert!(room.waiting.code().is_none());
    assert_eq!(room.give(Input::Paired(TWO, PairingOutcome::Agreed)), ["report 2 Agreed", "begin 2"]);
}
