# Local pages: what is the same on all of them.

page-skip = Go to the main part
page-look-again = Look again
page-local = This page lives on this computer only.
page-gone = The program behind this page has ended. You can close the page.

## The page of the person whose computer is helped

page-title = Help with this computer
page-title-code = Your code
page-title-asked = A question for you
page-title-session = You are being helped
page-title-over = The session is over
page-title-failed = It did not work
page-title-left = Goodbye
page-connected = ● { $name } is connected
page-came = { $name } is connected.
page-stop = Stop everything
page-stop-waiting = Stop
page-nothing-yet = Nothing has been shared yet.
page-each-thing = You approve each thing, one by one.
page-stop-always = Stop is always at the top of this page.
page-address = The address that your help service gave you
page-intake = What is the problem?
page-intake-free = You need not fill in anything here.
page-intake-about = What happened
page-intake-since = Since when
page-intake-called = What should they call you?
page-begin = Get a code
page-asking = One moment: your help service is being asked for a code.
page-code-read = Read this code to the person who helps you:
page-code-aloud = Letter by letter:
page-code-left = It works once, for another
page-nobody = No session took place. Nothing has been shared.
page-arriving = Somebody is arriving. You will be asked first.
page-with-you = { $name } is helping you. You see here everything that happens.
page-time-left = What you allowed ends in
page-say = Write to the person who helps you
page-say-send = Send this line
page-happened = What happened
page-changed = The question has changed. Please read it again.
page-too-soon = That was very quick. Please read the question, then press again.
page-elsewhere = This page is open somewhere else, and that one acts now.
page-act-here = Use this page
page-again = Try again
page-leave = I am done: close this program
page-left = The program has ended. You can close this page.
page-card-resume = Shall it go on?
page-card-consent = What they ask you
page-card-sign = Your signature
page-card-free = A question for you
page-no = I don't know this person
page-yes = It is them
page-end = End the session
page-go-on = Go on
page-deny = Don't allow
page-allow = Allow
page-keep = Don't send
page-send = Send
page-not-now = Not now
page-sign = Sign
page-stars = How was the help?
page-star = { $count ->
    [one] 1 star
   *[other] { $count } stars
}
page-comment = A comment, if you like
page-tick = Show the question with these boxes
page-tick-all = Tick all
page-exactly = Exactly what this is
page-time = For how long?
page-minutes = { $minutes } minutes
page-until-stop = Until I stop
page-save-copy = Save my copy
page-receipt = Your receipt
page-receipt-who = Who
page-receipt-member = { $name } ({ $organisation }, level { $level })
page-moment = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }, { $clock } (UTC{ $zone })
page-receipt-from = From
page-receipt-to = Until
page-receipt-allowed = Questions you answered with yes
page-receipt-refused = Questions you did not
page-receipt-code = Check code
page-receipt-ran = What was looked at or changed
page-ran-sent = sent
page-ran-kept = kept here
page-ran-failed = did not work
page-ran-refused = refused
page-ran-not-sent = not sent
