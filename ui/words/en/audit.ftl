### What an auditor reads.

audit-reading = Reading the log: { $done } of { $size } entries
audit-verifying = Verifying the log: { $done } of { $size } entries
audit-contradiction = The service shows another history than before. Both signed versions are in { $file }.
audit-broken-hint = Trust nothing newer. Keep this folder and tell the organisation's management.
audit-nothing = There is no copy of the log on this computer.
audit-nothing-hint = Run it once without --offline.
audit-copy = The copy of the log can't be used: { $why }.
audit-copy-hint = Move the audit folder away and read the log again.
audit-intact = INTACT: { $log }, { $entries } entries, { $sessions } sessions, every signature and rule.
audit-gap = SILENT without explanation from { $from } to { $to }.
audit-no-gaps = No unexplained silence.
audit-exported = { $entries } entries written to { $out }.
audit-session = { $opened }  { $session }  { $joined }  ended: { $ended }  { $events } events  { $flags }
audit-listed = { $count ->
    [one] One session.
   *[other] { $count } sessions.
}
audit-period = { $from }  { $count } sessions, { $flagged } to look at
audit-unknown = No session { $session } is in the log.
audit-unknown-hint = See all of them with venia audit list.
audit-show = Session { $session }, opened { $opened } ({ $local }), at the PC of { $agent }
audit-event = { $entry }  { $time } ({ $local })  { $author }: { $what }
audit-allowed = allowed at this PC in entry { $entry }, answered after { $seconds } s
audit-denied = denied at this PC in entry { $entry }, answered after { $seconds } s
audit-unanswered = nobody answered at this PC: entry { $entry }, after { $seconds } s
audit-flags = Look at: { $flags }
audit-pruned = The log { $log } was pruned up to entry { $entries }: it is known by its root only, and nothing else can be said of it.
audit-pruned-rest = The relay pruned { $log }, which ended at { $entries } entries. This copy holds how it began, proven: keep it.
audit-outlives = The relay closed { $log } at { $closed } entries, after it was restored from a backup. This copy holds what it lost: keep it.
audit-stopped = Stopped at entry { $at }. Everything before it that could be judged was right.
audit-stopped-hint = Run it again: it goes on there.
audit-broken = BROKEN at entry { $at }, session { $session }: { $why }.
audit-resumed = Went on at entry { $at }, where the run before was interrupted.
audit-since = Read from entry { $at } on: everything before it was found right last time.
audit-added = { $added } events added to { $out }; the log has { $entries } entries.

audit-witnessed = Witnessed by { $by }, last at { $at }; the log's own time is { $observed } (UTC).
audit-not-witnessed = Recorded, NOT witnessed: { $by } witnesses confirmed the newest checkpoint, { $required } are required; the log's own time is { $observed } (UTC).

## Words

audit-opening = Opening words: { $done } of { $size } sessions
audit-no-key = This folder has no auditor's key, so no words can be opened.
audit-no-key-hint = Make one with venia audit key and give its recipient to the operator. It opens sessions that begin later.
audit-nothing-opened = No words were opened on this computer, or the days to keep them are over.
audit-query-empty = There is no word to search for.
audit-query-many = At most { $most } words can be searched for at once.
audit-query-long = A word has at most { $most } characters.
audit-query-hint = Give words, or - to type them on standard input.
audit-found-in = Session { $session }
audit-found = { "  " }{ $entry }  { $time }  { $kind }: { $snippet }
audit-places = { $places ->
    [one] One place
   *[other] { $places } places
} in { $sessions ->
    [one] one session
   *[other] { $sessions } sessions
}. { $parts } texts were searched, on this computer.
audit-count-shut = Not searched: { $count } texts that this key does not open.
audit-count-nobody = Not searched: { $count } texts that were sealed to nobody.
audit-count-erased = Not searched: { $count } texts that were erased.
audit-count-missing = Not searched: { $count } texts that the service did not give. They are asked for again next time.
audit-count-lied = LOOK AT THIS: { $count } sealed texts are not what their event committed to.
audit-judged = Scope, time and level judged by the words: { $words } sessions, { $part } more in part. By clear fields only: { $without }.

## One session

audit-words-open = Words were opened with this folder's key.
audit-closed = { $why ->
    [no-key] Words are closed: this folder has no auditor's key. Make one with venia audit key.
    [not-opened] Words were not opened on this computer. Run it without --offline.
    [not-ours] Words are closed: this folder's key is not among those they were sealed to.
    [nobody] Words were sealed to nobody: only the person and the technician have them.
    [erased] Words were erased, and the log says so.
    [missing] Words are not here: the service did not give them.
    [lied] LOOK AT THIS: what was sealed is not what the event committed to.
    [unreadable] Words were opened and are not what an event of this kind says.
   *[other] ?
}
audit-joined = { $strand } arrives, known by { $known ->
    [code] the code that was spoken
    [compared] the six digits that were compared
    [organisation] the organisation's word only
   *[other] ?
}
audit-answered = { $answer ->
    [yes] allowed at this PC
    [no] denied at this PC
    [silence] nobody answered at this PC, which means no
   *[other] ?
}, after { $seconds } s
audit-refused = refused: { $why ->
    [outside-grant] it had not been allowed
    [level] it needs a higher level
    [arguments] its arguments are not valid
    [unknown-item] this PC does not have it
    [repeated] it had been refused a moment before
    [no-receipt] it could not be recorded in time
    [paused] the session was paused
    [policy] the owner of the PC does not allow it
    [limit] too much was being asked
    [stopped] the session was stopped
    [unfenced] this PC cannot fence that check in
    [not-shown] its preview had shown nothing to change
    [person] no was said at this PC
   *[other] ?
}
audit-result = result: { $fate }
audit-turned = { $what } by { $by ->
    [person] somebody at this PC
    [technician] the technician
    [expiry] the end of the time allowed
    [silence] silence
    [no-eyes] the absence of anybody watching
    [sleep] the PC's sleep
    [lock] the locked screen
    [relay-lost] the loss of the service
    [relay-withholds] the lack of receipts
    [revoked] the withdrawn membership
    [misbehaviour] the broken rules of the other program
    [crash] the end of the program
    [disk] the full or failing disk
    [done] the end of the work
   *[other] ?
} ({ $cause ->
    [person] person
    [technician] technician
    [expiry] time over
    [silence] no answer
    [no-eyes] nobody watching
    [sleep] asleep
    [lock] locked
    [relay-lost] service lost
    [relay-withholds] no receipts
    [revoked] membership withdrawn
    [misbehaviour] rules broken
    [crash] crash
    [disk] disk
    [done] work finished
   *[other] ?
})
audit-addendum = added after the end: { $what ->
    [signoff] signature
    [rating] rating
    [correction] correction
    [reopening] it is back
   *[other] ?
}
audit-kind = { $kind ->
    [open] the session begins
    [join] arrival
    [consent] answer
    [request] a run is asked for
    [admit] the run begins
    [refuse] refusal
    [result] result
    [series] live figures
    [chat] chat line
    [note] note
    [redaction] something was taken out
    [pause] paused
    [resume] resumed
    [stop] stopped
    [signoff] the technician signs off
    [close] closed
    [addendum] added after the end
   *[other] ?
}
audit-flag = { $flag ->
    [hasty] hasty: the yes came within less than a second
    [clock] clock: the author's clock ran more than five minutes ahead
    [late] late: recorded more than a minute after it happened, or too late for the session
    [gap] gap: the log was silent without explanation
    [redaction] redaction: something was taken out of a result
    [organisation] organisation: nobody compared a code; the organisation alone vouches
    [withheld] withheld: a result was kept back by the person, or lost
    [abandoned] abandoned: nobody closed it
    [jump] jump: the author's clock jumped back, or more than five minutes ahead
    [expired] expired: it ran outside the minutes that were allowed
   *[other] ?
}
audit-label = { $label ->
    [called] Wants to be called
    [about] The fault
    [since] Since
    [language] Language
    [skew] Clock of the PC against the ledger's
    [why] Reason
    [scopes] Scopes
    [asks] Asks for
    [runs] Runs
    [fences] Fenced by
    [detail] Detail
    [said] Text
    [outcome] What came of it
    [next] What happens next
    [observations] Observations
    [stars] Stars
    [comment] Comment
    [correction] Correction
    [minutes] Minutes allowed
    [redaction] Taken out
    [report] Report, by a definition that is unknown here
   *[other] ?
}
audit-member = { $name }, { $role }, level { $level }
audit-no-member = Somebody without a membership of this organisation
audit-shown = Shown ({ $language }), letter by letter:
audit-allows = Covers { $item }, { $uses ->
    [one] once
   *[other] at most { $uses } times
}
audit-until-stop = Time: until stopped, at most eight hours
audit-until = ; allowed until { $time }
audit-of-item = Of { $item }
audit-about-entry = About the end in entry { $entry }
audit-recorded = Recorded { $time } ({ $local })
audit-not-proven = What a log cannot prove: who sat at that PC. "Allowed at this PC" is all it can say. What agent and technician together recorded falsely, no log detects.
