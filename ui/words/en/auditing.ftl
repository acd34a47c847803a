### The auditor's page, beside what audit.ftl says.

auditing-title = What the log says
auditing-places = Pages
auditing-sessions = Sessions
auditing-trends = Trends
auditing-verify = Verify
auditing-export = Export
auditing-close = Close this program
auditing-closed-title = Closed
auditing-closed = The program has ended. You can close this page.
auditing-open-yourself = Open that address in your browser. It works once, for a minute; then another one is printed.
auditing-nobody = Nobody opened the page, so the program ends.
auditing-unknown = not known

## The copy on this computer

auditing-no-copy = There is no copy of the log on this computer yet. Fetch it.
auditing-copy = This computer's copy of { $log }: { $entries } entries. The log's own time of the newest:
auditing-fetch = Fetch what is new
auditing-noted = This page reads the copy on this computer: that asks nobody and leaves no note. Fetching puts a note in the log first, that you looked.
auditing-begins = One moment.
auditing-waiting = The copy is being brought up to date. The page shows it then.
auditing-fetched = Brought up to date at { $time } ({ $local }).
auditing-open-words = Open the words of these sessions
auditing-open-words-noted = Items and words are found only in what was opened on this computer. Opening puts a note in the log first, that you searched, but not for what.

## Choosing

auditing-choose = Choose sessions
auditing-more = More to choose by
auditing-look = Show these
auditing-all = Show all
auditing-any = any
auditing-not-counted = list them
auditing-field = { $field ->
    [word] Words that were said, all of them; case and accents don't matter
    [from] From this day on (UTC)
    [to] Until this day (UTC)
    [technician] Technician's key, or its beginning
    [agent] PC's key, or its beginning
    [kind] With an event of this kind
    [item] With this check
    [outcome] Ended for this cause
    [by] Count by
   *[other] ?
}
auditing-wrong = Nothing is shown, because this can't be looked by: { $field ->
    [from] the first day. A day is written YYYY-MM-DD.
    [to] the last day. A day is written YYYY-MM-DD.
    [technician] the technician's key. It is too long.
    [agent] the PC's key. It is too long.
    [kind] the kind of event. There is none of that name.
    [item] the check. Its name is too long.
    [outcome] the cause. It is too long.
    [by] the period. Days, weeks and months can be counted.
    [sheet] the page of the list. It is no number.
   *[other] ?
}
auditing-period = { $period ->
    [day] day
    [week] week, from Monday
    [month] month
   *[other] ?
}
auditing-cause = { $cause ->
    [person] by somebody at the PC
    [technician] by the technician
    [expiry] time over
    [silence] no answer
    [no-eyes] nobody watching
    [sleep] the PC slept
    [lock] the screen was locked
    [relay-lost] service lost
    [relay-withholds] service gave no receipts
    [revoked] membership withdrawn
    [misbehaviour] rules broken
    [crash] crash
    [disk] disk full or failing
    [done] work finished
   *[other] another cause
}

## The list

auditing-column = { $column ->
    [opened] Opened
    [session] Session
    [technician] Technicians' keys
    [agent] PC's key
    [answers] Answers at the PC
    [ended] Ended
    [events] Events
    [flags] To look at
    [period] From
    [sessions] Sessions
    [flagged] To look at
    [entry] Entry
    [kind] What
    [time] When
    [text] Text around it
   *[other] ?
}
auditing-answers = { $yes } allowed, { $no } denied, { $silence } unanswered
auditing-not-ended = not ended
auditing-pages = Pages of the list
auditing-newer = Newer sessions
auditing-older = Older sessions
auditing-places-found = Where all of the words stand together
auditing-places-cut = Only the newest { $most } places are shown. Choose a shorter time to see the others.
auditing-unknown-hint = Choose it in the list of sessions.
auditing-flag = { $flag ->
    [hasty] hasty
    [clock] clock
    [late] late
    [gap] silence
    [redaction] something taken out
    [organisation] nobody compared a code
    [withheld] withheld
    [abandoned] abandoned
    [jump] clock jumped
    [expired] outside the time allowed
   *[other] ?
}

## One session

auditing-session-title = Session { $session }
auditing-nothing-flagged = nothing
auditing-open-session = Fetch what is new and open this session's words
auditing-open-session-noted = This puts a note in the log first, that you looked at this session.
auditing-events = What happened, in the order of the log
auditing-recorded = Recorded
auditing-consent = The question this rests on, and its answer
auditing-as-shown = The question as it was shown ({ $language })
auditing-long-text = Text of { $lines } lines

## Verifying

auditing-verify-title = Verify the whole log
auditing-verify-about = Reads every entry of the copy again from its raw bytes, and checks the tree, every signature and every rule.
auditing-verify-fetch = Fetch what is new first
auditing-verify-words = Open the words of all sessions too, so that scope, time and level are judged. Only together with fetching.
auditing-verify-since = Only what came since everything was found right last
auditing-verify-begin = Verify
auditing-verify-stop = Stop verifying
auditing-verify-noted = Fetching and opening each put a note in the log first. Without them nobody is asked.
auditing-verdict = Verdict
auditing-log = The log { $log }:
auditing-broken-there = Show that session

## Over time

auditing-trends-title = Trends
auditing-trends-about = Counted are the sessions chosen here. Each picture has its numbers in the table below.
auditing-trends-cut = The pictures show the newest { $most } periods. The table has all of them.
auditing-trends-unread = { $count ->
    [one] One addition after the end can't be read here. A rating may be in it.
   *[other] { $count } additions after the end can't be read here. Ratings may be among them.
}
auditing-trends-how = Times are medians: half were shorter. Answers are those given at a PC, so silence has no time. Waiting is from the beginning of a session until somebody arrived. Not known isn't zero.
auditing-numbers = The numbers
auditing-chart-sessions = Sessions
auditing-chart-beside = The table on this page has the same numbers.
auditing-trend = { $trend ->
    [sessions] Sessions
    [refusals] Denied or unanswered at a PC
    [allowed] Allowed
    [denied] Denied
    [unanswered] Unanswered
    [refused] Runs refused
    [hasty] Allowed within less than a second
    [took] Time to answer
    [waited] Waiting for somebody
    [ratings] Ratings
    [stars] Stars on average
   *[other] ?
}

## For other tools

auditing-export-title = Export
auditing-export-about = Sessions and clear fields only. An export never holds a word.
auditing-export-whole = The whole record, into a folder
auditing-export-format = Format
auditing-format = { $format ->
    [tiles] C2SP tlog-tiles: raw entries and their tree
    [jsonl] JSON lines: sessions and events
    [csv] CSV tables: sessions and events
    [ocsf] OCSF events for a SIEM
   *[other] ?
}
auditing-export-folder = Folder
auditing-export-rules = Write it from / on. It is made if missing, for you alone; what an earlier export wrote there is continued.
auditing-export-fetch = Fetch what is new first; this puts a note in the log
auditing-export-write = Write
auditing-export-absolute = Nothing was written. Name the folder from / on.
auditing-export-format-unknown = Nothing was written. Choose one of the formats.
auditing-export-many = That is more than a browser should keep in one file. Choose fewer sessions, or write into a folder.
auditing-export-files = What you choose, as a file
auditing-export-chosen = Of this computer's copy. It asks nobody.
auditing-save = Save { $file }
