### What the technician's and the auditor's program says.

console-enrolled = Enrolled as { $name } ({ $role }, level { $level }) with { $organisation }.
console-invite-malformed = That is not a whole invite: { $why }.
console-invite-malformed-hint = Copy the whole word that begins with venia-invite-.
console-invite-unknown = The help service does not know this invite.
console-invite-used = This invite was already used.
console-invite-expired = This invite is older than 24 hours.
console-invite-hint = Ask your administrator for a new invite.
console-other-service = This folder already belongs to another help service.
console-other-service-hint = Name another folder with --data for this one.
console-not-enrolled = This computer is not enrolled with a help service.
console-not-enrolled-hint = Ask your administrator for an invite, then run venia enroll.
console-not-member = The help service no longer knows this membership.
console-input = Nothing came on standard input.
console-input-hint = Write one line there, or give the word itself.

console-code-malformed = That is not a code: { $why }.
console-code-malformed-hint = A code is a number and two words, like 417-lobo-cobre.
console-item-unknown = There is no check called { $item }.
console-item-unknown-hint = See all of them with venia checks.
console-run-arguments = { $item } can't run like that: { $why }.
console-too-many = Too many wrong codes within the hour.
console-too-many-hint = Wait an hour, and check the code with the person first.
console-quota = The help service has no room for another session today.
console-quota-hint = Try again tomorrow, or tell your administrator.
console-not-allowed = The help service does not allow that to this membership.
console-not-allowed-hint = Ask your administrator for a technician's membership.
console-agent-gone = The other computer left before the session began.
console-agent-gone-hint = Ask the person whether their program still runs, then use a new code.
console-member-refused = The other computer did not accept your membership.
console-broke-rules = The other program sent something that breaks the rules: { $why }.
console-broke-rules-hint = Nothing more is done. Tell your administrator, and keep the record.
console-offline = The connection is lost. This program looks for it; nothing runs meanwhile.
console-online = The connection is back. The person decides whether the session goes on.
console-lost = The connection broke before the session was closed.
console-lost-hint = Ask the person for a new code to go on.

console-auditor-added = New since your last session: { $auditor } can read the records of this service.
console-paired = Connected with the other computer. Session { $session }.
console-waiting-person = Waiting for the person for { $seconds } s
console-waiting-close = Waiting for the end of the record
console-running = Running: { $item }
console-running-for = Running { $item } for { $seconds } s
console-known = The person knows you.
console-unknown = The person said that they don't know you.
console-unanswered = Nobody answered at the other computer.
console-allowed = Allowed for { $minutes } minutes.
console-allowed-until-stop = Allowed until the person stops it.
console-denied = The person said no.
console-result-failed = { $item }: the check itself failed.
console-result-killed = { $item }: it was stopped before its end.
console-result-withheld = { $item }: the person kept the result.
console-undeclared = { $item }: the other computer's program sent more than this check may say. It isn't shown; trust this report less.
console-result-lost = { $item }: the result was lost.
console-result-late = { $item }: the result came too late.
console-result-unsent = { $item }: it ran, but its result was not sent.
console-refused = { $item } was refused: { $why }
console-why-outside-grant = it is not among what was allowed.
console-why-level = it needs a higher level than yours.
console-why-arguments = its arguments are not valid.
console-why-unknown-item = the other computer does not have this check.
console-why-repeated = it was refused a moment ago.
console-why-no-receipt = the ledger gave no receipt.
console-why-paused = the session is paused.
console-why-policy = the owner of that computer does not allow it.
console-why-limit = too many requests are waiting.
console-why-stopped = the session ended first.
console-why-person = the person said no.
console-why-unfenced = that computer cannot fence this check in.
console-why-not-shown = its preview showed nothing that could be changed just now.
console-unsaid = Not sent: the person hasn't said yet that they know you. Say it again once they have.
console-said = They say: { $text }
console-paused = Paused: nothing runs and nothing is sent until the person resumes.
console-paused-no-eyes = Paused: nobody is looking at the other screen. Nothing runs until the person resumes.
console-paused-sleep = Paused: the other computer slept. Nothing runs until the person resumes.
console-paused-relay-lost = Paused: the other computer lost the help service. Nothing runs until the person resumes.
console-resumed = The session goes on.
console-closed-done = The session is closed. Outcome and next step are recorded.
console-closed-person = The person ended the session.
console-closed-technician = You left the session without closing it.
console-closed-silence = The session ended because nobody answered.
console-closed-no-eyes = The session ended because nobody was there to see it.
console-closed-expiry = The session ended because its time was up.
console-closed-sleep = The session ended because the other computer slept.
console-closed-lock = The session ended because the other screen was locked.
console-closed-relay-lost = The session ended because the connection was lost.
console-closed-relay-withholds = The session ended because the ledger gave no receipts.
console-closed-revoked = The session ended because your membership was withdrawn.
console-closed-misbehaviour = The other computer ended the session: this program broke a rule.
console-closed-crash = The session ended because the other program crashed.
console-closed-disk = The session ended because the record could not be written.
console-bundle = Record: { $path }
console-no-bundle = There is no record to keep: nothing was proven to be in the ledger.
console-fork = The help service showed two histories that exclude each other. Both are kept in { $file }.
console-log-lied = This help service's log contradicted itself earlier. The evidence is in { $file }.
console-log-lied-hint = Check that file with venia verify and show it to your administrator. Sessions wait until the service starts a new log.
console-log-unproven = The help service could not prove that its record is one history. Nobody is accused.
console-log-unproven-hint = Try again later. If it happens again, tell your administrator.
console-set-back = The help service's record is older than what this computer saw of it.
console-set-back-hint = Tell whoever runs the service: it must be recovered before anything more is recorded.

console-prompt = venia >{" "}
console-prompt-outcome = Outcome >{" "}
console-prompt-next = Next step >{" "}
console-help =
    checks                 what can be run
    run ITEM[:key=value]   ask for one check, or run it if it is allowed
    chat TEXT              say something to the person
    note TEXT              write a note into the record
    close                  close with an outcome and a next step
    help                   this list
console-too-many-runs = One session can ask for { $most } runs at most.
console-too-many-runs-hint = Name fewer, or whole kinds with --ask, or what is wrong with --goal.
console-goal-unknown = There is no goal “{ $goal }”.
console-goal-unknown-hint = The goals are: { $goals }
console-needs-level = Left out, it takes level { $level }: { $item }
console-goal-title = { $goal }: what was found
console-goal-cause = Likely cause: { $cause }
console-goal-also = Or: { $cause }
console-goal-missing = Not looked at: { $items }
console-goal-no-cause = Nothing found so far explains it.
console-goal-worst = The worst first
console-goal-unknown-count = What could not be told: { $count }
console-check = { $item } (level { $level }): { $title }
console-not-understood = That was not understood. Type help for the list.
console-needs-text = Some words are needed there: { $why }.

console-refresh-nothing = Nothing was added to your records.
console-refreshed = Session { $session }:
console-added-signoff = - The person signed the record.
console-added-rating = - The person rated the session.
console-added-correction = - A correction was added.
console-added-reopening = - The person says that the problem is back.
console-refresh-failed = The record of session { $session } could not be renewed. It stays as it was.

verify-intact = INTACT: { $entries } entries, signed by { $names }, complete from { $from } to { $to }.
verify-broken-entry = BROKEN at entry { $at }: { $why }.
verify-broken-file = BROKEN at { $at }: { $why }.
verify-broken = BROKEN: { $why }.
verify-self-consistent = SELF-CONSISTENT: { $entries } entries, but the keys come from the file itself. Name the root with --root.
verify-unclosed = UNCLOSED: { $entries } entries hold, but { $why }.
verify-limits = Not checked: { $why }.
verify-file = { $file } can't be read: { $why }.
verify-file-hint = Check the name of the file.
verify-root = That is no fingerprint and no address.
verify-root-hint = Give the 52 letters of the fingerprint, or the whole venia:// address.
verify-code = Check code: { $code }

report-written = Written: { $path } (check code { $code })
report-broken = There is no page of a broken record. { $verdict }
report-broken-hint = Ask for another copy of the record, and keep this one.
report-self-consistent = Not verified: the keys of this record come from the record itself. Anybody could have made it.
report-unclosed = Not complete: the end of this session, or its last receipts, are not in the record.
verify-no-evidence = BROKEN: this evidence doesn't show what it claims: { $why }.
verify-evidence-log = EVIDENCE: the log { $who } contradicts itself: { $why }.
verify-evidence-author = EVIDENCE: { $who } contradicts themselves: { $why }.
verify-evidence-withheld = RECORD ONLY: { $who }, { $why }. This proves nothing to others.
verify-evidence-unrooted = The keys come from the file itself. Name the root with --root.
verify-evidence-proof = The failed proof isn't signed. The log may still supply a better one.
verify-shows-fork = it signed two different trees of { $size } entries
verify-shows-inconsistent = its own proof doesn't connect its trees of { $from } and { $to } entries
verify-shows-author = two different events number { $seq } of { $author } in session { $session }
verify-shows-withheld = { $events ->
    [one] { $events } event without a receipt from { $from } to { $to }
   *[other] { $events } events without a receipt from { $from } to { $to }
}

console-witnessed = Recorded and witnessed: { $by } witnesses confirmed it.
console-not-witnessed = Recorded. Its witnesses have not confirmed it yet: complete it later with venia refresh.
verify-witnessed = Recorded and witnessed by { $by } ({ $required } required), last at { $at } (UTC).
verify-not-witnessed = Recorded, not witnessed: { $by } witnesses confirmed it, { $required } are required.
