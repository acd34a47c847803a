### Lo que lee en la terminal la persona a quien se ayuda. Frases de 15 palabras como mucho; sin palabras técnicas.

## El código

code-only-you = Dé este código solo a alguien con quien usted se puso en contacto.
code-nobody-asks = Nadie de un banco, de Microsoft ni de la policía se lo pedirá.
code-lasts = { $minutes ->
    [one] Sirve una sola vez, durante { $minutes } minuto.
   *[other] Sirve una sola vez, durante { $minutes } minutos.
}
code-burnt = Alguien probó un código equivocado. Ese código ya no sirve.
code-burnt-by = Lo probó: { $name }.
code-interfering = Puede que alguien esté interfiriendo. Consulte a su servicio de ayuda antes de repetir.
code-left = Alguien llegó con el código, pero se fue enseguida. No se compartió nada.
code-unfit = Alguien llegó con el código, pero con palabras que no se permiten. No se compartió nada.
code-expired = Nadie usó el código a tiempo. Ya no sirve.
waiting-first-seen = Alguien está llegando. Este servicio de ayuda es nuevo aquí: espere { $seconds } segundos, por favor.

## Antes del código

intake-about = ¿Cuál es el problema? Pulse Intro para omitirlo.
intake-since = ¿Desde cuándo? Pulse Intro para omitirlo.
intake-called = ¿Cómo quiere que le llamen? Pulse Intro para omitirlo.

## Quién llega

arrival-title = Ha llegado alguien.
arrival-who = Quién:        { $name }
arrival-organisation = Organización: { $organisation }
arrival-level = Nivel:        { $level } de 5
arrival-known = Verificado: usted ya conocía este servicio de ayuda.
arrival-first = Primera vez con este servicio de ayuda: { $service }.
arrival-claim = El nombre «{ $name }» es lo que dice esa persona.
arrival-look-only = Solo puede mirar, nunca cambiar nada.
arrival-code = Usó el código que este equipo le dio a usted.
arrival-compared = Los dos compararon las mismas seis cifras.
arrival-organisation-only = Su servicio de ayuda responde por esta conexión; no podemos comprobarla.
arrival-auditors-new = Nuevo desde la última vez: auditores añadidos que pueden leer registros: { $count }.
arrival-nothing-shared = Todavía no se ha compartido nada.
arrival-question = ¿Es la persona con quien usted se puso en contacto?
arrival-prompt = sí / no >{ " " }

## Lo que pide

consent-whom = Quién
consent-who = { $name } ({ $organisation }, nivel { $level }) pide:
consent-what = Qué
consent-why = Por qué, en sus propias palabras
consent-quote = «{ $reason }»
consent-receive = Qué va a recibir
consent-kept = { $days ->
    [0] { $name } borra lo que usted envíe al acabar la sesión.
    [one] { $name } guarda lo que usted envíe durante { $days } día.
   *[other] { $name } guarda lo que usted envíe durante { $days } días.
}
consent-cannot = Qué no puede hacer
consent-changes-nothing = No cambia nada en este equipo.
consent-changes-marked = Cambia solo lo que está marcado arriba con ▲.
consent-nothing-else = No puede hacer nada más, ni puede ver su pantalla.
consent-each-repair = Cada reparación se le preguntará otra vez, por separado.
consent-not-fenced = En este equipo, estas revisiones no están aisladas.
card-auditors = Los auditores de { $organisation } pueden leer este registro.
consent-no-auditor = Ningún auditor puede abrir este registro. Solo usted y { $name } guardan copias.
consent-how-long = Cuánto tiempo
consent-time = { $minutes ->
    [one] Tiempo: { $minutes } minuto
   *[other] Tiempo: { $minutes } minutos
}
consent-time-until-stop = Tiempo: hasta que usted lo detenga; se le pregunta cada hora
consent-time-once = Tiempo: solo esta vez
consent-other-times = Para otro tiempo, escriba: permitir 10, o bien: permitir hasta-detener
consent-stop = Para terminar todo en cualquier momento, escriba: detener
consent-prompt = permitir / negar >{ " " }
consent-item = { $risk }: { $title }
consent-described = descrito por { $organisation }, no por Venia
consent-command = ejecuta exactamente: { $command }
consent-boxes = Escriba un número para marcarlo o desmarcarlo, o bien: todo
preview-title = Esto es lo que verá { $name }:
preview-hidden = Datos privados quitados: { $count }
preview-question = ¿Lo envía? Lo que usted se guarda no se envía ni se archiva.
preview-prompt = enviar / guardar >{ " " }
consent-value = { $title }: { $value }
consent-values = { $title }: cualquier valor declarado
consent-change = Cambiará exactamente esto
consent-more = { $count ->
    [one] y 1 más
   *[other] y { $count } más
}
consent-undo = ¿Se puede deshacer?
consent-administrator = Este equipo pedirá la contraseña del administrador.
consent-takes = Tarda unos { $seconds } s. Puede detenerlo.
consent-takes-unstopped = Una vez empezado, tarda unos { $seconds } s y no se puede detener.

scope-hardware = Las piezas de este equipo, tantas veces como haga falta
scope-system = El sistema, tantas veces como haga falta
scope-network = Internet y la red, tantas veces como haga falta
scope-security = La protección, tantas veces como haga falta
scope-tasks = Impresión, espacio y programas, tantas veces como haga falta
scope-live = ○ lee: Observar cifras mientras cambian
scope-chat = ○ habla: Escribirle a usted aquí
scope-repair = ▲ cambia algo: Proponer reparaciones, una por una

risk-reads = ○ lee
risk-personal = ◆ lee datos personales
risk-changes = ▲ cambia algo

## Mientras dura la sesión

feed-connected = ● { $name } tiene conexión. Escriba detener para terminar todo.
feed-allowed = Usted lo permitió.
feed-denied = Usted no lo permitió. No se compartió nada de eso.
feed-silence = Nadie respondió. Eso significa que no.
feed-running = Mirando: { $title }
feed-changing = Cambiando: { $title }
feed-sent = Enviado a { $name }: { $title }
feed-unknown = Enviado a { $name }: { $title } (este equipo no pudo saberlo)
feed-failed = No funcionó: { $title }. No se envió nada de esto.
feed-goes-on = { $title }: lo que había empezado no se puede detener y seguirá hasta el final. No se envía nada de esto.
feed-kept = Se queda aquí: { $title }. No se envió ni se archivó nada de esto.
feed-killed = Detenido a medias: { $title }. No se envió nada de esto.
feed-refused = Rechazado: { $title }
feed-refused-unasked = Rechazado sin preguntarle, porque no estaba permitido: { $title }
feed-chat = » { $name } dice: «{ $text }»
feed-mine = « Usted: «{ $text }»
feed-noted = » { $name } escribió una nota: «{ $text }»
feed-paused = En pausa. Nada funciona y nada se envía.
feed-resumed = La sesión continúa.
feed-lost = Se perdió la conexión. Mientras tanto no se hace nada.
feed-log-lied = El servicio de ayuda mostró dos historias que se excluyen. La prueba queda en { $file }.
feed-log-unproven = El servicio de ayuda no pudo demostrar que su registro es una sola historia. La sesión termina. No se acusa a nadie.
feed-withheld = El servicio de ayuda no dio recibos. Qué se le entregó, y cuándo, consta en { $file }. La próxima vez se le pedirá de nuevo.
feed-away = Ahora no se llega al servicio de ayuda. Su código volverá a servir cuando vuelva.
feed-back = La conexión ha vuelto.
feed-time-over = Terminó el tiempo permitido. Lo nuevo se le preguntará otra vez.
feed-record-late = El servicio de ayuda no confirmó el registro a tiempo. Queda guardado aquí.
feed-stopped = Todo está detenido.
feed-stopped-receipt = Todo está detenido. Un momento: se prepara su recibo.
feed-clock = El reloj de este equipo está mal. El registro guarda también la hora correcta.
resume-why = La sesión estuvo en pausa. Lo que usted permitió antes ya no vale.
resume-counts = La sesión estuvo en pausa. Si sigue, vuelve a valer lo que usted permitió antes.
resume-question = ¿Desea que siga la sesión con { $name }?
feed-skipped = { $count ->
    [one] (no se mostró { $count } línea)
   *[other] (no se mostraron { $count } líneas)
}

## El final

close-person = Usted terminó la sesión.
close-technician = { $name } terminó la sesión.
close-done = La sesión ha terminado.
close-expiry = La sesión terminó porque se acabó su tiempo.
close-silence = La sesión terminó porque nadie respondió.
close-no-eyes = La sesión terminó porque nadie estaba mirando.
close-sleep = La sesión terminó porque este equipo estaba suspendido.
close-lock = La sesión terminó porque la pantalla estaba bloqueada.
close-relay-lost = La sesión terminó porque no se alcanzaba el servicio de ayuda.
close-relay-withholds = La sesión terminó porque el servicio de ayuda no guardaba el registro.
close-revoked = La sesión terminó porque { $name } ya no puede ayudar.
close-misbehaviour = La sesión terminó porque el otro programa incumplió las reglas.
close-crash = La sesión terminó porque este programa había fallado.
close-disk = La sesión terminó porque este equipo no podía guardar el registro.
close-outcome = Resultado: { $outcome }
close-next = Siguiente paso: { $next }
close-counts = Permitido: { $allowed }. Rechazado: { $refused }. Enviado: { $sent }.
close-nothing-shared = No se compartió nada.
close-copy = Su copia del registro: { $path }

sign-question = ¿Quiere firmar su copia de este registro?
sign-meaning = Dice que el registro se hizo aquí. También puede firmar más tarde.
sign-prompt = firmar / ahora no >{ " " }
correct-question = ¿Quiere añadir esta corrección al registro?
correct-meaning = Nada cambia en el registro; su corrección firmada queda a su lado.
reopen-question = ¿Quiere dejar escrito en el registro que el problema ha vuelto?
reopen-meaning = La sesión sigue cerrada. El técnico ve su nota en su copia.
sign-done = Firmado. Gracias.
sign-later = Sin firmar. Para firmar más tarde, escriba:

## Respuestas

again-arrival = Por favor, escriba sí o no.
again-boxes = No hay nada marcado. Escriba un número, o todo, o negar.
again-preview = Por favor, escriba enviar o guardar.
again-consent = Por favor, escriba permitir o negar. Puede añadir minutos, hasta { $most }: permitir 10.
again-sign = Por favor, escriba firmar, o bien: ahora no.
again-nothing-asked = Ahora no se pregunta nada. Para terminar todo, escriba: detener
again-too-long = Fue demasiado largo. Por favor, escríbalo más corto.
