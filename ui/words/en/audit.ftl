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
audit-listed = { $count } sessions.
audit-period = { $from }  { $count } sessions, { $flagged } to look at
audit-unknown = No session { $session } is in the log.
audit-unknown-hint = See all of them with venia audit list.
audit-show = Session { $session }, opened { $opened } (UTC), at the PC of { $agent }
audit-event = { $entry }  { $time }  { $author }  { $kind }  { $flags }
audit-allowed = { "    " }allowed at this PC in entry { $entry }, answered after { $seconds } s
audit-denied = { "    " }denied at this PC in entry { $entry }, answered after { $seconds } s
audit-unanswered = { "    " }nobody answered at this PC: entry { $entry }, after { $seconds } s
audit-flags = Look at: { $flags }
audit-sealed = Words are not shown: the log holds only commitments to them.
audit-stopped = Stopped at entry { $at }. Everything before it that could be judged was right.
audit-stopped-hint = Run it again: it goes on there.
audit-broken = BROKEN at entry { $at }, session { $session }: { $why }.
audit-resumed = Went on at entry { $at }, where the run before was interrupted.
audit-since = Read from entry { $at } on: everything before it was found right last time.
audit-added = { $added } events added to { $out }; the log has { $entries } entries.

audit-witnessed = Witnessed by { $by }, last at { $at }; the log's own time is { $observed } (UTC).
audit-not-witnessed = Recorded, NOT witnessed: { $by } witnesses confirmed the newest checkpoint, { $required } are required; the log's own time is { $observed } (UTC).
