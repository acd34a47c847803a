# Why something isn't what it should be; each stands inside a sentence, after a colon.

reason-code-shape = a code is a number and two words, like 417-lobo-cobre
reason-code-number = a code begins with a number of one to six digits
reason-code-word = the words of a code have four to seven letters a to z, without accents

reason-invite-prefix = an invite begins with venia-invite-
reason-invite-damaged = it is incomplete or mistyped; copy the whole word
reason-invite-version = it was made by a newer version

reason-text-empty = there is nothing
reason-text-long = { $max ->
    [one] at most one character fits
   *[other] at most { $max } characters fit
}
reason-text-lines = it must be one line without control characters
reason-text-link = links are not allowed there

reason-argument-unknown = there is no parameter “{ $name }”
reason-argument-value = “{ $name }” can't be “{ $value }”

reason-unclosed-close = the session's close is not in the file
reason-unclosed-receipts = the last events have no receipt yet
reason-unclosed-checkpoints = the receipts are not all against one checkpoint
reason-unclosed-witnesses = the organisation's witnesses haven't confirmed all of it yet

reason-unchecked-withheld = { $parts ->
    [one] what one withheld part says
   *[other] what { $parts } withheld parts say
}
reason-unchecked-levels = { $runs ->
    [one] whether the technician's level was enough for one run that isn't known here
   *[other] whether the technician's level was enough for { $runs } runs that aren't known here
}
reason-unchecked-clock = the times, which are that PC's word: its clock said { $said } when the relay's said { $at }
reason-unchecked-receipt = receipt.html
