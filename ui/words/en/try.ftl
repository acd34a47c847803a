### What `cargo try` says.

try-relay = • Starting a relay on this computer
try-technician = • Inviting Ana, a technician of level 3
try-person = • You are the person who needs help. Ana uses the code by herself; answer her questions here.
try-person-scripted = • A scripted person asks for help and allows everything
try-pages = • Two pages open in your browser. On one you are the person, on the other the technician.
try-page-person = The person:     { $address }
try-page-technician = The technician: { $address }
try-reason = To show you what Venia can see
try-outcome = Everything that can be looked at was looked at
try-next = Read the record, or try saying no
try-result =   { $status }: { $item }
try-findings = What Ana sees, the worst first ({ $checks } checks reported):
try-fine = { $count ->
    [one]   and { $count } thing that is fine
   *[other]   and { $count } things that are fine
}
try-verdict = { $verdict ->
    [intact] INTACT: { $entries } entries, every one signed, in order, and in the ledger.
    [unclosed] UNCLOSED: { $entries } entries hold, but the end of the record is not confirmed.
   *[other] NOT INTACT: this record does not hold. The command below says why.
}
try-bundle = Your record: { $path }
try-check = To check it yourself: venia verify { $path } --root { $root }
try-took = It took { $seconds } s.
try-not-empty = The folder { $path } is not empty.
try-not-empty-hint = Name a new folder; a first session must not meet the keys of another.
try-no-terminal-hint = Start it in a terminal window, or let a scripted person answer: cargo try -- --yes
try-failed = The step “{ $step }” did not work: { $problem }.
try-failed-hint = Set VENIA_LOG=debug and try again to see more.
