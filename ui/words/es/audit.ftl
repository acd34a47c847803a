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
audit-listed = { $count ->
    [one] Una sesión.
   *[other] { $count } sesiones.
}
audit-period = { $from }  { $count } sesiones, { $flagged } por revisar
audit-unknown = No hay ninguna sesión { $session } en el registro.
audit-unknown-hint = Véalas todas con venia audit list.
audit-show = Sesión { $session }, abierta { $opened } ({ $local }), en el equipo de { $agent }
audit-event = { $entry }  { $time } ({ $local })  { $author }: { $what }
audit-allowed = permitido en este equipo en la entrada { $entry }, respondido tras { $seconds } s
audit-denied = negado en este equipo en la entrada { $entry }, respondido tras { $seconds } s
audit-unanswered = nadie respondió en este equipo: entrada { $entry }, tras { $seconds } s
audit-flags = Revise: { $flags }
audit-pruned = El registro { $log } se podó hasta la entrada { $entries }: se conoce solo por su raíz, y nada más se puede decir de él.
audit-pruned-rest = El relé podó { $log }, que terminó en { $entries } entradas. Esta copia tiene su comienzo, probado: consérvela.
audit-outlives = El relé cerró { $log } en { $closed } entradas, tras restaurarse desde una copia. Esta copia tiene lo que él perdió: consérvela.
audit-stopped = Detenido en la entrada { $at }. Todo lo anterior que se pudo juzgar era correcto.
audit-stopped-hint = Ejecútelo de nuevo: continúa allí.
audit-broken = ROTO en la entrada { $at }, sesión { $session }. Motivo técnico, en inglés: { $why }.
audit-resumed = Continuó en la entrada { $at }, donde se interrumpió la vez anterior.
audit-since = Leído desde la entrada { $at }: todo lo anterior era correcto la última vez.
audit-added = { $added } eventos añadidos a { $out }; el registro tiene { $entries } entradas.

audit-witnessed = Atestiguado por { $by }, la última vez el { $at }; la hora del propio registro es { $observed } (UTC).
audit-not-witnessed = Registrado, NO atestiguado: { $by } testigos confirmaron el último punto de control y se exigen { $required }; la hora del propio registro es { $observed } (UTC).

## Palabras

audit-opening = Abriendo palabras: { $done } de { $size } sesiones
audit-no-key = Esta carpeta no tiene clave de auditor, así que no se puede abrir ninguna palabra.
audit-no-key-hint = Cree una con venia audit key y dé su destinatario al operador. Abre las sesiones que empiecen después.
audit-nothing-opened = En este equipo no se abrió ninguna palabra, o ya pasaron los días de conservarlas.
audit-query-empty = No hay ninguna palabra que buscar.
audit-query-many = Se pueden buscar como máximo { $most } palabras a la vez.
audit-query-long = Una palabra tiene como máximo { $most } caracteres.
audit-query-hint = Dé palabras, o - para escribirlas en la entrada estándar.
audit-found-in = Sesión { $session }
audit-found = { "  " }{ $entry }  { $time }  { $kind }: { $snippet }
audit-places = { $places ->
    [one] Un lugar
   *[other] { $places } lugares
} en { $sessions ->
    [one] una sesión
   *[other] { $sessions } sesiones
}. Se buscó en { $parts } textos, en este equipo.
audit-count-shut = Sin buscar: { $count } textos que esta clave no abre.
audit-count-nobody = Sin buscar: { $count } textos que no se sellaron para nadie.
audit-count-erased = Sin buscar: { $count } textos borrados.
audit-count-missing = Sin buscar: { $count } textos que el servicio no entregó. Se pedirán de nuevo la próxima vez.
audit-count-lied = MIRE ESTO: { $count } textos sellados no corresponden a lo que fijó su evento.
audit-judged = Alcance, tiempo y nivel juzgados por las palabras: { $words } sesiones, { $part } más en parte. Solo por los campos en claro: { $without }.

## Una sesión

audit-words-open = Las palabras se abrieron con la clave de esta carpeta.
audit-closed = { $why ->
    [no-key] Las palabras están cerradas: esta carpeta no tiene clave de auditor. Cree una con venia audit key.
    [not-opened] Las palabras no se abrieron en este equipo. Ejecútelo sin --offline.
    [not-ours] Las palabras están cerradas: la clave de esta carpeta no está entre aquellas para las que se sellaron.
    [nobody] Las palabras no se sellaron para nadie: solo las tienen la persona y el técnico.
    [erased] Las palabras se borraron, y el registro lo dice.
    [missing] Las palabras no están aquí: el servicio no las entregó.
    [lied] MIRE ESTO: lo sellado no corresponde a lo que fijó el evento.
    [unreadable] Las palabras se abrieron y no son lo que dice un evento de esta clase.
   *[other] ?
}
audit-joined = llega { $strand }, reconocido por { $known ->
    [code] el código dicho de viva voz
    [compared] los seis dígitos comparados
    [organisation] la sola palabra de la organización
   *[other] ?
}
audit-answered = { $answer ->
    [yes] permitido en este equipo
    [no] negado en este equipo
    [silence] nadie respondió en este equipo, lo que significa no
   *[other] ?
}, tras { $seconds } s
audit-refused = rechazado: { $why ->
    [outside-grant] no se había permitido
    [level] necesita un nivel más alto
    [arguments] sus argumentos no son válidos
    [unknown-item] este equipo no lo tiene
    [repeated] se había rechazado un momento antes
    [no-receipt] no se pudo registrar a tiempo
    [paused] la sesión estaba en pausa
    [policy] el dueño del equipo no lo permite
    [limit] se pedía demasiado
    [stopped] la sesión se había detenido
    [unfenced] este equipo no puede aislar esa revisión
    [not-shown] su vista previa no había mostrado nada que cambiar
    [person] en este equipo se dijo que no
   *[other] ?
}
audit-result = resultado: { $fate }
audit-turned = { $what } por { $by ->
    [person] alguien en este equipo
    [technician] el técnico
    [expiry] el fin del tiempo permitido
    [silence] el silencio
    [no-eyes] la ausencia de quien mire
    [sleep] la suspensión del equipo
    [lock] la pantalla bloqueada
    [relay-lost] la pérdida del servicio
    [relay-withholds] la falta de recibos
    [revoked] la membresía retirada
    [misbehaviour] las reglas que rompió el otro programa
    [crash] el fin del programa
    [disk] el disco lleno o averiado
    [done] el fin del trabajo
   *[other] ?
} ({ $cause ->
    [person] persona
    [technician] técnico
    [expiry] tiempo agotado
    [silence] sin respuesta
    [no-eyes] nadie miraba
    [sleep] suspendido
    [lock] bloqueado
    [relay-lost] servicio perdido
    [relay-withholds] sin recibos
    [revoked] membresía retirada
    [misbehaviour] reglas rotas
    [crash] fallo
    [disk] disco
    [done] trabajo terminado
   *[other] ?
})
audit-addendum = añadido tras el final: { $what ->
    [signoff] firma
    [rating] valoración
    [correction] corrección
    [reopening] ha vuelto
   *[other] ?
}
audit-kind = { $kind ->
    [open] empieza la sesión
    [join] llegada
    [consent] respuesta
    [request] se pide una ejecución
    [admit] empieza la ejecución
    [refuse] rechazo
    [result] resultado
    [series] cifras en vivo
    [chat] línea de chat
    [note] nota
    [redaction] se quitó algo
    [pause] en pausa
    [resume] reanudado
    [stop] detenido
    [signoff] el técnico termina
    [close] cerrado
    [addendum] añadido tras el final
   *[other] ?
}
audit-flag = { $flag ->
    [hasty] hasty: el sí llegó en menos de un segundo
    [clock] clock: el reloj del autor iba más de cinco minutos adelantado
    [late] late: se registró más de un minuto después de ocurrir, o tarde para la sesión
    [gap] gap: el registro calló sin explicación
    [redaction] redaction: se quitó algo de un resultado
    [organisation] organisation: nadie comparó un código; solo responde la organización
    [withheld] withheld: la persona se guardó un resultado, o se perdió
    [abandoned] abandoned: nadie la cerró
    [jump] jump: el reloj del autor saltó atrás, o más de cinco minutos adelante
    [expired] expired: se ejecutó fuera de los minutos permitidos
   *[other] ?
}
audit-label = { $label ->
    [called] Quiere que le llamen
    [about] La avería
    [since] Desde
    [language] Idioma
    [skew] Reloj del equipo frente al del registro
    [why] Motivo
    [scopes] Alcances
    [asks] Pide
    [runs] Ejecuta
    [fences] Aislado por
    [detail] Detalle
    [said] Texto
    [outcome] Qué resultó
    [next] Qué sigue
    [observations] Observaciones
    [stars] Estrellas
    [comment] Comentario
    [correction] Corrección
    [minutes] Minutos permitidos
    [redaction] Quitado
    [report] Informe, por una definición desconocida aquí
   *[other] ?
}
audit-member = { $name }, { $role }, nivel { $level }
audit-no-member = Alguien sin membresía de esta organización
audit-shown = Mostrado ({ $language }), letra por letra:
audit-allows = Cubre { $item }, { $uses ->
    [one] una vez
   *[other] como máximo { $uses } veces
}
audit-until-stop = Tiempo: hasta que se detenga, como máximo ocho horas
audit-until = ; permitido hasta { $time }
audit-of-item = De { $item }
audit-about-entry = Sobre el final en la entrada { $entry }
audit-recorded = Registrado { $time } ({ $local })
audit-not-proven = Lo que un registro no puede probar: quién estaba ante ese equipo. «Permitido en este equipo» es todo lo que puede decir. Lo que agente y técnico registraran juntos en falso, ningún registro lo detecta.
