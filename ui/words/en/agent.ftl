### What the agent's commands say beside a session.

agent-journal = The record on this computer cannot be used: { $problem }.
agent-address = That is not the address of a help service.
agent-address-hint = Copy it whole, as your help service sent it: it begins with venia://
agent-no-relay = No help service is known on this computer yet.
agent-no-relay-hint = Ask your help service for its address and type: venia-agent ask --relay ADDRESS
agent-auditor = Your help service names an auditor that this program can't seal records to.
agent-auditor-hint = Install a newer version of this program, or tell your help service.
agent-record-later = The record is kept here. It will be completed at the next contact.
agent-never-began = The session of { $opened } never began: the help service did not record its beginning. Nothing ran on this computer and nothing was shared.
agent-never-began-hint = There is no record to complete. Ask for help again when you need it.
agent-unknown-session = There is no finished session with this name on this computer.
agent-unknown-session-hint = To see all sessions, type: venia-agent history

history-empty = No sessions yet.
history-line = { $session }  { $opened }  { $who } ({ $organisation })
history-damaged = Session { $session } cannot be read: { $problem }.

show-who = { $who } ({ $organisation })
show-opened = Began: { $opened }
show-yes = Allowed at this PC at { $at }, after { $seconds } s.
show-no = Not allowed at this PC at { $at }, after { $seconds } s.
show-silence = Nobody answered until { $at }. That means no.
show-ran = { $at }  { $status }  { $title }
show-closed = Ended: { $at }. { $why }

export-fetching = Completing the record
export-done = Written: { $path }
export-withheld = { $parts } parts were left out. Whoever verifies the file sees how many.
export-no-entry = The record has no entry number { $entry }. Nothing was written.
export-no-entry-hint = Entries count from 0; venia verify says how many there are.
export-failed = The file cannot be written: { $problem }.
export-failed-hint = Check the folder and its permissions, or give another file name.
export-exists = There is already a file with this name. It was not changed.
export-exists-hint = Give another file name.

sign-stars = How many stars, from 1 to 5? Press Enter to skip.
sign-comment = Do you want to add a comment? Press Enter to skip.
agent-log-lied = This help service's log contradicted itself earlier. The evidence is in { $file }.
agent-log-lied-hint = Show that file to your organisation. Sessions wait until it starts a new log.
agent-log-closed = The log of that session is closed. What you added stays on this computer, and isn't in the record.

agent-record-witnessed = Recorded by the help service and witnessed: { $by } of { $all } witnesses confirmed it.
agent-record-not-witnessed = Recorded by the help service. Its witnesses have not confirmed it yet. Your copy is completed the next time you ask for help.
agent-no-witnesses = Nothing runs on this computer before witnesses confirmed it. This help service has none.
agent-no-witnesses-hint = Ask the help service for witnesses, or allow it without them: venia-agent ask --not-strict
agent-policy = The rules of this computer's owner can't be kept: { $why }.
agent-policy-hint = Mend that file, or ask whoever looks after this computer.
agent-owner-service = The owner of this computer doesn't allow this help service.
agent-owner-hours = The owner of this computer allows no help at this hour.
agent-owner-hint = Ask whoever looks after this computer.

redact-unread = The file { $file } cannot be read: { $problem }.
redact-too-long = The file { $file } is larger than { $megabytes } MiB.
redact-known = The known values cannot be used: { $problem }.
redact-hint = Give a text file, and known values as a JSON object.
