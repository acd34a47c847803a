### Lo que lee un auditor.

audit-reading = Leyendo el registro: { $done } de { $size } entradas
audit-verifying = Verificando el registro: { $done } de { $size } entradas
audit-contradiction = El servicio muestra otra historia que antes. Ambas versiones firmadas están en { $file }.
audit-broken-hint = No confíe en nada más nuevo. Conserve esta carpeta y avise a la dirección.
audit-nothing = No hay copia del registro en este equipo.
audit-nothing-hint = Ejecútelo una vez sin --offline.
audit-copy = La copia del registro no se puede usar: { $why }.
audit-copy-hint = Aparte la carpeta audit y lea el registro de nuevo.
audit-intact = INTACTO: { $log }, { $entries } entradas, { $sessions } sesiones, cada firma y regla.
audit-gap = SILENCIO sin explicación desde { $from } hasta { $to }.
audit-no-gaps = Ningún silencio sin explicación.
audit-exported = { $entries } entradas escritas en { $out }.
audit-session = { $opened }  { $session }  { $joined }  terminó: { $ended }  { $events } eventos  { $flags }
audit-listed = { $count } sesiones.
audit-period = { $from }  { $count } sesiones, { $flagged } por revisar
audit-unknown = No hay ninguna sesión { $session } en el registro.
audit-unknown-hint = Véalas todas con venia audit list.
audit-show = Sesión { $session }, abierta { $opened } (UTC), en el equipo de { $agent }
audit-event = { $entry }  { $time }  { $author }  { $kind }  { $flags }
audit-allowed = { "    " }permitido en este equipo en la entrada { $entry }, respondido tras { $seconds } s
audit-denied = { "    " }negado en este equipo en la entrada { $entry }, respondido tras { $seconds } s
audit-unanswered = { "    " }nadie respondió en este equipo: entrada { $entry }, tras { $seconds } s
audit-flags = Revise: { $flags }
audit-sealed = Las palabras no se muestran: el registro solo guarda compromisos con ellas.
audit-stopped = Detenido en la entrada { $at }. Todo lo anterior que se pudo juzgar era correcto.
audit-stopped-hint = Ejecútelo de nuevo: continúa allí.
audit-broken = ROTO en la entrada { $at }, sesión { $session }: { $why }.
audit-resumed = Continuó en la entrada { $at }, donde se interrumpió la vez anterior.
audit-since = Leído desde la entrada { $at }: todo lo anterior era correcto la última vez.
audit-added = { $added } eventos añadidos a { $out }; el registro tiene { $entries } entradas.

audit-witnessed = Atestiguado por { $by }, la última vez a las { $at }; la hora del propio registro es { $observed } (UTC).
audit-not-witnessed = Registrado, NO atestiguado: { $by } testigos confirmaron el último punto de control y se exigen { $required }; la hora del propio registro es { $observed } (UTC).
