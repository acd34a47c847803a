### What the person whose computer is helped reads in the terminal. Sentences of at most 15 words; no technical words.

## The code

code-only-you = Only give this code to someone you contacted.
code-nobody-asks = Nobody from a bank, Microsoft or the police will ask for it.
code-lasts = { $minutes ->
    [one] It works once, within { $minutes } minute.
   *[other] It works once, within { $minutes } minutes.
}
code-burnt = Somebody tried a wrong code. That code no longer works.
code-burnt-by = It was tried by: { $name }.
code-interfering = Somebody may be interfering. Ask your help service before you try again.
code-left = Somebody came with the code, but left again at once. Nothing was shared.
code-unfit = Somebody came with the code, but with words that aren't allowed. Nothing was shared.
code-expired = Nobody used the code in time. It no longer works.
waiting-first-seen = Somebody is arriving. This help service is new here, so please wait { $seconds } seconds.

## Before the code

intake-about = What is the problem? Press Enter to skip.
intake-since = Since when? Press Enter to skip.
intake-called = What should they call you? Press Enter to skip.

## Who arrives

arrival-title = Somebody has arrived.
arrival-who = Who:          { $name }
arrival-organisation = Organisation: { $organisation }
arrival-level = Level:        { $level } of 5
arrival-known = Verified: you know this help service from before.
arrival-first = First time with this help service: { $service }.
arrival-claim = The name “{ $name }” is what they say.
arrival-look-only = They can only look, never change anything.
arrival-code = They used the code that this computer gave you.
arrival-compared = You and they compared the same six digits.
arrival-organisation-only = Your help service vouches for this connection; we can't check it.
arrival-auditors-new = New since last time: auditors added who can read records: { $count }.
arrival-nothing-shared = Nothing has been shared yet.
arrival-question = Is this the person you contacted?
arrival-prompt = yes / no >{ " " }

## What they ask

consent-whom = Who
consent-who = { $name } ({ $organisation }, level { $level }) asks:
consent-what = What
consent-why = Why, in their own words
consent-quote = “{ $reason }”
consent-receive = What they will receive
consent-kept = { $days ->
    [0] { $name } deletes what you send after the session.
    [one] { $name } keeps what you send for { $days } day.
   *[other] { $name } keeps what you send for { $days } days.
}
consent-cannot = What it cannot do
consent-changes-nothing = It changes nothing on this computer.
consent-changes-marked = It changes only what is marked ▲ above.
consent-nothing-else = They can do nothing else, and they cannot see your screen.
consent-each-repair = Every repair will be asked again, on its own.
consent-not-fenced = These checks are not fenced on this computer.
card-auditors = The auditors of { $organisation } can read this record.
consent-no-auditor = No auditor can open this record. You and { $name } keep the only copies.
consent-how-long = How long
consent-time = { $minutes ->
    [one] Time: { $minutes } minute
   *[other] Time: { $minutes } minutes
}
consent-time-until-stop = Time: until you stop; you are asked again every hour
consent-time-once = Time: this once
consent-other-times = For another time, type: allow 10, or: allow until-stop
consent-stop = To end everything at any time, type: stop
consent-prompt = allow / deny >{ " " }
consent-item = { $risk }: { $title }
consent-described = described by { $organisation }, not by Venia
consent-command = runs exactly: { $command }
consent-boxes = Type a number to tick or untick it, or: all
preview-title = This is what { $name } will see:
preview-hidden = Private details taken out: { $count }
preview-question = Send it? What you keep is neither sent nor stored.
preview-prompt = send / keep >{ " " }
consent-value = { $title }: { $value }
consent-values = { $title }: any declared value
consent-change = Exactly this will change
consent-more = { $count ->
    [one] and 1 more
   *[other] and { $count } more
}
consent-undo = Can it be undone?
consent-administrator = This computer will ask for the administrator's password.
consent-takes = It takes about { $seconds } s. You can stop it.
consent-takes-unstopped = Once started, this takes about { $seconds } s and cannot be stopped.

scope-hardware = Parts of this computer, as often as needed
scope-system = The system, as often as needed
scope-network = Internet and network, as often as needed
scope-security = Protection, as often as needed
scope-tasks = Printing, storage and programs, as often as needed
scope-live = ○ reads: Watch figures while they change
scope-chat = ○ talks: Write to you here
scope-repair = ▲ changes something: Propose repairs, one by one

risk-reads = ○ reads
risk-personal = ◆ reads personal data
risk-changes = ▲ changes something

## While a session lives

feed-connected = ● { $name } is connected. Type stop to end everything.
feed-allowed = You allowed it.
feed-denied = You did not allow it. Nothing of it was shared.
feed-silence = Nobody answered. That means no.
feed-running = Looking: { $title }
feed-changing = Changing: { $title }
feed-sent = Sent to { $name }: { $title }
feed-unknown = Sent to { $name }: { $title } (this computer could not tell)
feed-failed = It did not work: { $title }. Nothing of it was sent.
feed-goes-on = { $title }: what had begun can't be stopped and goes on to its end. Nothing of it is sent.
feed-kept = Kept here: { $title }. Nothing of it was sent or stored.
feed-killed = Stopped halfway: { $title }. Nothing of it was sent.
feed-refused = Refused: { $title }
feed-refused-unasked = Refused without asking you, because it was not allowed: { $title }
feed-chat = » { $name } says: “{ $text }”
feed-mine = « You: “{ $text }”
feed-noted = » { $name } wrote a note: “{ $text }”
feed-paused = Paused. Nothing runs and nothing is sent.
feed-resumed = The session goes on.
feed-lost = The connection is lost. Nothing runs while it is away.
feed-log-lied = The help service showed two histories that exclude each other. The evidence is in { $file }.
feed-log-unproven = The help service could not prove that its record is one history. The session ends. Nobody is accused.
feed-withheld = The help service gave no receipts. What it was given, and when, is noted in { $file }. It will be asked again next time.
feed-away = The help service is out of reach. Your code works again once it is back.
feed-back = The connection is back.
feed-time-over = The allowed time is over. Anything new will be asked again.
feed-record-late = The help service has not confirmed the record in time. It is kept here.
feed-stopped = Everything is stopped.
feed-stopped-receipt = Everything is stopped. One moment: your receipt is being made.
feed-clock = The clock of this computer is wrong. The record keeps the right time too.
resume-why = The session was paused. What you allowed before no longer counts.
resume-counts = The session was paused. If it goes on, what you allowed before counts again.
resume-question = Shall the session with { $name } go on?
feed-skipped = { $count ->
    [one] ({ $count } line was not shown)
   *[other] ({ $count } lines were not shown)
}

## The end

close-person = You ended the session.
close-technician = { $name } ended the session.
close-done = The session is finished.
close-expiry = The session ended because its time was over.
close-silence = The session ended because nobody answered.
close-no-eyes = The session ended because nobody was watching.
close-sleep = The session ended because this computer was asleep.
close-lock = The session ended because the screen was locked.
close-relay-lost = The session ended because the help service was out of reach.
close-relay-withholds = The session ended because the help service kept no record.
close-revoked = The session ended because { $name } may no longer help.
close-misbehaviour = The session ended because the other program broke the rules.
close-crash = The session ended because this program had failed.
close-disk = The session ended because this computer could not keep a record.
close-outcome = What came of it: { $outcome }
close-next = What happens next: { $next }
close-counts = Allowed: { $allowed }. Refused: { $refused }. Sent: { $sent }.
close-nothing-shared = Nothing was shared.
close-copy = Your copy of the record: { $path }

sign-question = Do you want to sign your copy of this record?
sign-meaning = It says that the record was made here. You can also sign later.
sign-prompt = sign / not now >{ " " }
correct-question = Do you want to add this correction to the record?
correct-meaning = Nothing in the record changes; your signed correction stands beside it.
reopen-question = Do you want to say in the record that the problem is back?
reopen-meaning = The session stays closed. The technician sees your note in their copy.
sign-done = Signed. Thank you.
sign-later = Not signed. To sign later, type:

## Answers

again-arrival = Please type yes or no.
again-boxes = Nothing is ticked. Type a number, or all, or deny.
again-preview = Please type send or keep.
again-consent = Please type allow or deny. Minutes may follow, up to { $most }: allow 10.
again-sign = Please type sign, or: not now.
again-nothing-asked = Nothing is being asked now. To end everything, type: stop
again-too-long = That was too long. Please write it shorter.
