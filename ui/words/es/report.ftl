### El marco del informe de un diagnóstico.

severity-critical = grave
severity-warning = aviso
severity-unknown = no se sabe
severity-ok = bien
report-evidence = visto: { $evidence }
report-next = siguiente: { $next }
report-truncated = Se muestran { $shown } de { $total } filas.
report-empty = No hay nada que mostrar.
value-yes = sí
value-no = no
