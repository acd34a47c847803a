### How a diagnostic's report is framed.

severity-critical = critical
severity-warning = warning
severity-unknown = can't tell
severity-ok = ok
report-evidence = seen: { $evidence }
report-next = next: { $next }
report-truncated = { $shown } of { $total } rows are shown.
report-empty = There is nothing to show.
value-yes = yes
value-no = no
