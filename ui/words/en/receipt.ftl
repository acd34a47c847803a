### The logbook of a session, as a page to keep or print.

receipt-title = Logbook of a support session
receipt-subtitle = { $organisation }. Everything here comes from the signed record of the session.

## The session

receipt-called = Person helped
receipt-date = Date of the evaluation
receipt-recipient = Received by
receipt-helper = { $name } ({ $organisation }, level { $level })
receipt-helper-unknown = Somebody without a membership, key { $key }
receipt-nobody = Nobody came.
receipt-verified = Known by
receipt-verified-code = the code spoken by the person
receipt-verified-compared = the six digits that both compared
receipt-verified-organisation = the organisation's word only
receipt-reason = Reason for coming
receipt-since = Fault since
receipt-about = Description of the fault
receipt-opened = Started
receipt-closed = Ended
receipt-lasted = Lasted
receipt-ended-by = How it ended
receipt-still-open = The session has not ended yet.
receipt-level = Time at level { $level }
receipt-session = Session
receipt-clock = The clock of this computer was wrong by { $time }.
receipt-not-given = not given
receipt-part-withheld = withheld from this copy
receipt-quote = “{ $text }”

## The picture

receipt-timeline = Timeline
receipt-lane-questions = Answers
receipt-lane-checks = Checks
receipt-lane-session = Session

## What came of it

receipt-outcome-heading = Outcome and observations
receipt-outcome = What came of it
receipt-next = What happens next
receipt-observations = Observations
receipt-note = Note { $entry } ({ $by })
receipt-chats = Messages written

## The computer

receipt-computer = The computer
receipt-peripherals = What is connected to it
receipt-no-data = No check that tells this was done.
receipt-findings = Findings
receipt-no-findings = There are no findings.
receipt-severity = How serious
receipt-found = What was found
receipt-evidence = Seen
receipt-advice = What to do

## What was done

receipt-ran = What was done
receipt-entry = Record no.
receipt-when = When
receipt-what = What
receipt-result = Result
receipt-done = sent
receipt-unknown = sent; this computer could not tell
receipt-failed = did not work; nothing sent
receipt-killed = stopped; nothing sent
receipt-withheld = kept here; nothing sent
receipt-lost = lost; nothing sent
receipt-late = too late; nothing sent
receipt-refused = refused; nothing done
receipt-nothing-ran = Nothing was done and nothing was shared.
receipt-why-outside-grant = it had not been allowed
receipt-why-level = it needs a higher level
receipt-why-arguments = it was not asked correctly
receipt-why-unknown-item = this computer does not know it
receipt-why-repeated = it had been refused a moment before
receipt-why-no-receipt = it could not be recorded in time
receipt-why-paused = the session was paused
receipt-why-policy = the owner of this computer does not allow it
receipt-why-limit = too much was being asked
receipt-why-stopped = the session was stopped
receipt-why-person = the person said no
receipt-why-unfenced = this computer cannot fence that check in
receipt-why-not-shown = its preview had shown nothing to change

## What was answered

receipt-answers = What was answered at this computer
receipt-asked = The questions, exactly as they were shown
receipt-answer = Answer
receipt-took = Answered after
receipt-yes = allowed
receipt-no = not allowed
receipt-silence = no answer, which means no
receipt-quick = (under one second)
receipt-no-answers = Nothing was asked.

## Afterwards

receipt-later = Added after the end
receipt-by = By
receipt-person = The person at this computer
receipt-adds-to = Adds to record no.
receipt-words = Words
receipt-rating = Rating
receipt-corrected = Correction
receipt-reopened = Reopened: the fault came back
receipt-signed = Signature
receipt-stars = Stars
receipt-comment = Comment
receipt-correction = What is corrected

## Signatures

receipt-signatures = Signatures
receipt-responsible = Responsible
receipt-reports = Reports the fault
receipt-name = Name
receipt-key = Key
receipt-signature = Signature
receipt-signed-at = Signed at { $at }, record no. { $entry }
receipt-not-signed = Not signed

## How to check it

receipt-check = How to check this page
receipt-code = Check code:
receipt-code-same = Every copy of the same record has the same check code.
receipt-how = Ask for the file { $file } and type this where Venia is installed:
receipt-root = Get the letters after --root from the organisation itself, never from this page.
receipt-entries = Records
receipt-standing = Kept by
receipt-unrecorded = this computer only, not yet by the help service
receipt-recorded-only = the help service, without witnesses
receipt-witnessed = the help service and { $cosigned } of { $all } witnesses
receipt-parts = Parts withheld
receipt-times = All times are in UTC.
receipt-theirs = Words between quotation marks are other people's own words.
receipt-limits = This page says what was allowed at this computer, not who sat there.
receipt-no-proof = This page proves nothing by itself. Only the checked file does.
