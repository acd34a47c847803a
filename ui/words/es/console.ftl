### Lo que dice el programa del técnico y del auditor.

console-enrolled = Inscrito como { $name } ({ $role }, nivel { $level }) en { $organisation }.
console-invite-malformed = Eso no es una invitación completa: { $why }.
console-invite-malformed-hint = Copie la palabra entera que empieza por venia-invite-.
console-invite-unknown = El servicio de ayuda no conoce esta invitación.
console-invite-used = Esta invitación ya se usó.
console-invite-expired = Esta invitación tiene más de 24 horas.
console-invite-hint = Pida a su administrador otra invitación.
console-other-service = Esta carpeta ya pertenece a otro servicio de ayuda.
console-other-service-hint = Indique otra carpeta con --data para este.
console-not-enrolled = Este equipo no está inscrito en ningún servicio de ayuda.
console-not-enrolled-hint = Pida una invitación a su administrador y ejecute venia enroll.
console-not-member = El servicio de ayuda ya no conoce esta membresía.
console-input = No llegó nada por la entrada estándar.
console-input-hint = Escriba ahí una línea, o dé la palabra misma.

console-code-malformed = Eso no es un código: { $why }.
console-code-malformed-hint = Un código es un número y dos palabras, como 417-lobo-cobre.
console-item-unknown = No hay ninguna comprobación llamada { $item }.
console-item-unknown-hint = Véalas todas con venia checks.
console-run-arguments = { $item } no se puede ejecutar así: { $why }.
console-too-many = Demasiados códigos equivocados en una hora.
console-too-many-hint = Espere una hora y confirme antes el código con la persona.
console-quota = El servicio de ayuda no tiene sitio hoy para otra sesión.
console-quota-hint = Inténtelo mañana o avise a su administrador.
console-not-allowed = El servicio de ayuda no permite eso a esta membresía.
console-not-allowed-hint = Pida a su administrador una membresía de técnico.
console-agent-gone = El otro equipo se fue antes de empezar la sesión.
console-agent-gone-hint = Pregunte a la persona si su programa sigue abierto y use un código nuevo.
console-member-refused = El otro equipo no aceptó su membresía.
console-broke-rules = El otro programa envió algo que rompe las reglas. Motivo técnico, en inglés: { $why }.
console-broke-rules-hint = No se hace nada más. Avise a su administrador y guarde el registro.
console-offline = Se perdió la conexión. Este programa la busca; mientras tanto no se hace nada.
console-online = La conexión ha vuelto. La persona decide si la sesión sigue.
console-lost = La conexión se cortó antes de cerrar la sesión.
console-lost-hint = Pida a la persona un código nuevo para seguir.

console-auditor-added = Nuevo desde su última sesión: { $auditor } puede leer los registros de este servicio.
console-paired = Conectado con el otro equipo. Sesión { $session }.
console-waiting-person = Esperando a la persona desde hace { $seconds } s
console-waiting-close = Esperando el final del registro
console-running = En marcha: { $item }
console-running-for = { $item } lleva { $seconds } s
console-known = La persona sabe quién es usted.
console-unknown = La persona dijo que no le conoce.
console-unanswered = Nadie respondió en el otro equipo.
console-allowed = Permitido durante { $minutes } minutos.
console-allowed-until-stop = Permitido hasta que la persona lo detenga.
console-denied = La persona dijo que no.
console-result-failed = { $item }: falló la comprobación misma.
console-result-killed = { $item }: se detuvo antes de terminar.
console-result-withheld = { $item }: la persona se guardó el resultado.
console-undeclared = { $item }: el programa del otro equipo envió más de lo que esta comprobación puede decir. No se muestra; fíese menos de este informe.
console-result-lost = { $item }: el resultado se perdió.
console-result-late = { $item }: el resultado llegó demasiado tarde.
console-result-unsent = { $item }: se ejecutó, pero su resultado no se envió.
console-refused = Se rechazó { $item }: { $why }
console-why-outside-grant = no está entre lo permitido.
console-why-level = necesita un nivel más alto que el suyo.
console-why-arguments = sus argumentos no son válidos.
console-why-unknown-item = el otro equipo no tiene esta comprobación.
console-why-repeated = se rechazó hace un momento.
console-why-no-receipt = el registro no dio recibo.
console-why-paused = la sesión está en pausa.
console-why-policy = el dueño de ese equipo no lo permite.
console-why-limit = hay demasiadas peticiones en espera.
console-why-stopped = la sesión terminó antes.
console-why-person = la persona dijo que no.
console-why-unfenced = ese equipo no puede aislar esta revisión.
console-why-not-shown = su vista previa no mostró nada que cambiar en este momento.
console-unsaid = No se envió: la persona aún no ha dicho que le conoce. Dígalo de nuevo cuando lo haga.
console-said = Le dicen: { $text }
console-paused = En pausa: nada se ejecuta ni se envía hasta que la persona siga.
console-paused-no-eyes = En pausa: nadie mira la otra pantalla. Nada se ejecuta hasta que la persona siga.
console-paused-sleep = En pausa: el otro equipo durmió. Nada se ejecuta hasta que la persona siga.
console-paused-relay-lost = En pausa: el otro equipo perdió el servicio de ayuda. Nada se ejecuta hasta que la persona siga.
console-resumed = La sesión sigue.
console-closed-done = La sesión está cerrada. Constan el resultado y el siguiente paso.
console-closed-person = La persona terminó la sesión.
console-closed-technician = Usted dejó la sesión sin cerrarla.
console-closed-silence = La sesión terminó porque nadie respondió.
console-closed-no-eyes = La sesión terminó porque no había nadie para verla.
console-closed-expiry = La sesión terminó porque se acabó su tiempo.
console-closed-sleep = La sesión terminó porque el otro equipo se durmió.
console-closed-lock = La sesión terminó porque se bloqueó la otra pantalla.
console-closed-relay-lost = La sesión terminó porque se perdió la conexión.
console-closed-relay-withholds = La sesión terminó porque el registro no dio recibos.
console-closed-revoked = La sesión terminó porque se retiró su membresía.
console-closed-misbehaviour = El otro equipo terminó la sesión: este programa rompió una regla.
console-closed-crash = La sesión terminó porque falló el otro programa.
console-closed-disk = La sesión terminó porque no se podía escribir el registro.
console-bundle = Registro: { $path }
console-no-bundle = No hay registro que guardar: no se probó nada en el libro.
console-fork = El servicio de ayuda mostró dos historias que se excluyen. Ambas quedan en { $file }.
console-log-lied = El registro de este servicio de ayuda ya se contradijo. La prueba está en { $file }.
console-log-lied-hint = Compruebe ese archivo con venia verify y muéstrelo a su administrador. No habrá sesiones hasta que el servicio abra un registro nuevo.
console-log-unproven = El servicio de ayuda no pudo demostrar que su registro es una sola historia. No se acusa a nadie.
console-log-unproven-hint = Inténtelo más tarde. Si se repite, avise a su administrador.
console-set-back = El registro del servicio de ayuda es anterior a lo que este equipo ya vio de él.
console-set-back-hint = Avise a quien mantiene el servicio: debe recuperarse antes de registrar nada más.

console-prompt = venia >{" "}
console-prompt-outcome = Resultado >{" "}
console-prompt-next = Siguiente paso >{" "}
console-help =
    checks                 lo que se puede ejecutar
    run ITEM[:clave=valor] pide una comprobación, o la ejecuta si está permitida
    chat TEXTO             dice algo a la persona
    note TEXTO             escribe una nota en el registro
    close                  cierra con un resultado y un siguiente paso
    help                   esta lista
console-too-many-runs = Una sesión puede pedir como máximo { $most } revisiones.
console-too-many-runs-hint = Nombre menos, o tipos enteros con --ask, o lo que pasa con --goal.
console-goal-unknown = No hay ningún objetivo «{ $goal }».
console-goal-unknown-hint = Los objetivos son: { $goals }
console-needs-level = Queda fuera, requiere el nivel { $level }: { $item }
console-goal-title = { $goal }: qué se encontró
console-goal-cause = Causa probable: { $cause }
console-goal-also = O bien: { $cause }
console-goal-missing = No se miró: { $items }
console-goal-no-cause = Nada de lo encontrado hasta ahora lo explica.
console-goal-worst = Lo peor primero
console-goal-unknown-count = Lo que no se pudo saber: { $count }
console-check = { $item } (nivel { $level }): { $title }
console-not-understood = No se entendió. Escriba help para ver la lista.
console-needs-text = Ahí hacen falta palabras: { $why }.

console-refresh-nothing = No se añadió nada a sus registros.
console-refreshed = Sesión { $session }:
console-added-signoff = - La persona firmó el registro.
console-added-rating = - La persona valoró la sesión.
console-added-correction = - Se añadió una corrección.
console-added-reopening = - La persona dice que el problema ha vuelto.
console-refresh-failed = El registro de la sesión { $session } no se pudo renovar. Queda como estaba.

verify-intact = INTACTO: { $entries } entradas, firmadas por { $names }, completo desde { $from } hasta { $to }.
verify-broken-entry = ROTO en la entrada { $at }. Motivo técnico, en inglés: { $why }.
verify-broken-file = ROTO en { $at }. Motivo técnico, en inglés: { $why }.
verify-broken = ROTO. Motivo técnico, en inglés: { $why }.
verify-self-consistent = COHERENTE EN SÍ: { $entries } entradas, pero las claves vienen del propio archivo. Indique la raíz con --root.
verify-unclosed = SIN CERRAR: { $entries } entradas se sostienen, pero { $why }.
verify-limits = Sin comprobar: { $why }.
verify-file = No se puede leer { $file }: { $why }.
verify-file-hint = Revise el nombre del archivo.
verify-root = Eso no es una huella ni una dirección.
verify-root-hint = Dé las 52 letras de la huella, o la dirección venia:// entera.
verify-code = Código de comprobación: { $code }

report-written = Escrito: { $path } (código de comprobación { $code })
report-broken = De un registro roto no se hace ninguna página. { $verdict }
report-broken-hint = Pida otra copia del registro y guarde esta.
report-self-consistent = Sin comprobar: las claves de este registro vienen del propio registro. Cualquiera pudo haberlo hecho.
report-unclosed = Incompleto: el final de esta sesión, o sus últimos recibos, no están en el registro.
verify-no-evidence = ROTO: esta prueba no muestra lo que afirma. Motivo técnico, en inglés: { $why }.
verify-evidence-log = PRUEBA: el registro { $who } se contradice: { $why }.
verify-evidence-author = PRUEBA: { $who } se contradice: { $why }.
verify-evidence-withheld = SOLO CONSTANCIA: { $who }, { $why }. No prueba nada ante terceros.
verify-evidence-unrooted = Las claves vienen del propio archivo. Indique la raíz con --root.
verify-evidence-proof = La demostración fallida no está firmada. El registro aún puede dar otra mejor.
verify-shows-fork = firmó dos árboles distintos de { $size } entradas
verify-shows-inconsistent = su propia demostración no une sus árboles de { $from } y { $to } entradas
verify-shows-author = dos eventos distintos número { $seq } de { $author } en la sesión { $session }
verify-shows-withheld = { $events ->
    [one] { $events } evento sin recibo desde { $from } hasta { $to }
   *[other] { $events } eventos sin recibo desde { $from } hasta { $to }
}

console-witnessed = Registrado y atestiguado: lo confirmaron { $by } testigos.
console-not-witnessed = Registrado. Los testigos aún no lo han confirmado: complételo más tarde con venia refresh.
verify-witnessed = Registrado y atestiguado por { $by } (se exigen { $required }), la última vez el { $at } (UTC).
verify-not-witnessed = Registrado, no atestiguado: lo confirmaron { $by } testigos y se exigen { $required }.
