### What went wrong, whether anything was shared or lost, and the one next step. Read by everybody.

nothing-shared = Nothing was shared.
nothing-lost = Nothing was lost.
nothing-shared-nor-lost = Nothing was shared and nothing was lost.
record-kept = What was shared before is in the record.
trouble-hint = Next step: { $hint }

trouble-wrong-code = That code was not right. It no longer works.
trouble-wrong-code-hint = Ask the person for a new code.
trouble-burnt = That code was used up by a wrong try.
trouble-burnt-hint = Ask the person for a new code.
trouble-expired = The code or invite is too old, or was already used.
trouble-expired-hint = Ask for a new one.
trouble-revoked = This membership was withdrawn.
trouble-revoked-hint = Ask your administrator.
trouble-fingerprint = The help service is not the one that this computer knows.
trouble-fingerprint-hint = Check the address with whoever gave it to you.
trouble-version = The two programs are too different in age.
trouble-version-hint = Update the older one.
trouble-unreachable = The help service can't be reached.
trouble-unreachable-hint = Check the connection and the address, then try again.
trouble-disk = The record can't be written, so nothing may be done.
trouble-disk-hint = Free some disk space, then try again.
trouble-busy = Another session is already going on.
trouble-busy-hint = End the other session first, or wait for it.
trouble-no-terminal = Questions can only be answered in a terminal.
trouble-no-terminal-hint = Start it in a terminal window, without redirecting input or output.
trouble-no-page = This program can't show a page on this computer.
trouble-no-page-hint = Ask in the terminal instead, with: venia-agent ask.
trouble-no-home = This computer does not say where programs may keep their data.
trouble-no-home-hint = Name a folder yourself, with --data.
trouble-output = The output can't be written.
trouble-output-hint = Check the disk or program that receives it, then try again.
trouble-usage = That command was not understood.
trouble-usage-hint = Read what it takes with --help.
trouble-inside = The program failed at { $place }.
trouble-inside-hint = Please report this place to whoever gave you the program.

log-lost = The help service lost part of its record: it was restored from a backup. { $lost } entries that this computer saw are gone there. Your own records are whole and stay valid: keep them.
log-restored = The help service was restored from a backup and has begun a new record. Nothing that this computer saw of the old one is missing.
log-contradicted-unproven = The help service's earlier record does not agree with what this computer saw of it. Nothing proves that to others. It says it was restored from a backup, and has begun a new record.
log-contradicted = The help service's earlier record contradicted itself; the evidence is in { $file }. It says it was restored from a backup, and has begun a new record.
seen-damaged = What this computer saw of the help service is damaged, in { $file }. Without it nobody would notice a changed record.
seen-damaged-hint = Bring the file back from a copy. Without one, ask your organisation whether its record is the same as before. Only then move the file away.
log-unshown = The help service has begun a new record. It can't show that this continues the one this computer saw.
log-unshown-hint = Ask your organisation what happened. What this computer saw of the old record is kept.
