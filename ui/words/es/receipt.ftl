### La bitácora de una sesión, como página para guardar o imprimir.

receipt-title = Bitácora de una sesión de soporte
receipt-subtitle = { $organisation }. Todo lo que hay aquí viene del registro firmado de la sesión.

## La sesión

receipt-called = Persona atendida
receipt-date = Fecha de la evaluación
receipt-recipient = Recibido por
receipt-helper = { $name } ({ $organisation }, nivel { $level })
receipt-helper-unknown = Alguien sin membresía, clave { $key }
receipt-nobody = No vino nadie.
receipt-verified = Reconocido por
receipt-verified-code = el código que dictó la persona
receipt-verified-compared = los seis dígitos que ambos compararon
receipt-verified-organisation = solo la palabra de la organización
receipt-reason = Motivo de la visita
receipt-since = Falla desde
receipt-about = Descripción de la falla
receipt-opened = Comenzó
receipt-closed = Terminó
receipt-lasted = Duró
receipt-ended-by = Cómo terminó
receipt-still-open = La sesión todavía no ha terminado.
receipt-level = Tiempo de nivel { $level }
receipt-session = Sesión
receipt-clock = El reloj de este equipo estaba desviado { $time }.
receipt-not-given = no se indicó
receipt-part-withheld = reservado en esta copia
receipt-quote = «{ $text }»

## El dibujo

receipt-timeline = Cronología
receipt-lane-questions = Respuestas
receipt-lane-checks = Revisiones
receipt-lane-session = Sesión

## Lo que resultó

receipt-outcome-heading = Resultado y observaciones
receipt-outcome = Resultado
receipt-next = Siguiente paso
receipt-observations = Observaciones
receipt-note = Nota { $entry } ({ $by })
receipt-chats = Mensajes escritos

## El equipo

receipt-computer = Datos generales del equipo
receipt-peripherals = Datos de los periféricos
receipt-no-data = No se hizo ninguna revisión que lo indique.
receipt-findings = Hallazgos
receipt-no-findings = No hay hallazgos.
receipt-severity = Gravedad
receipt-found = Qué se encontró
receipt-evidence = Se vio
receipt-advice = Qué hacer

## Lo que se hizo

receipt-ran = Lo que se hizo
receipt-entry = Registro n.º
receipt-when = Cuándo
receipt-what = Qué
receipt-result = Resultado
receipt-done = enviado
receipt-unknown = enviado; este equipo no pudo saberlo
receipt-failed = no funcionó; no se envió nada
receipt-killed = detenido; no se envió nada
receipt-withheld = guardado aquí; no se envió nada
receipt-lost = perdido; no se envió nada
receipt-late = demasiado tarde; no se envió nada
receipt-refused = rechazado; no se hizo nada
receipt-nothing-ran = No se hizo nada y no se compartió nada.
receipt-why-outside-grant = no se había permitido
receipt-why-level = requiere un nivel más alto
receipt-why-arguments = no se pidió correctamente
receipt-why-unknown-item = este equipo no lo conoce
receipt-why-repeated = se había rechazado un momento antes
receipt-why-no-receipt = no se pudo registrar a tiempo
receipt-why-paused = la sesión estaba en pausa
receipt-why-policy = el dueño de este equipo no lo permite
receipt-why-limit = se pedía demasiado
receipt-why-stopped = la sesión se detuvo
receipt-why-person = la persona dijo que no
receipt-why-unfenced = este equipo no puede aislar esa revisión
receipt-why-not-shown = su vista previa no había mostrado nada que cambiar

## Lo que se respondió

receipt-answers = Lo que se respondió en este equipo
receipt-asked = Las preguntas, exactamente como se mostraron
receipt-answer = Respuesta
receipt-took = Tardó
receipt-yes = permitido
receipt-no = no permitido
receipt-silence = sin respuesta, que significa no
receipt-quick = (menos de un segundo)
receipt-no-answers = No se preguntó nada.

## Después

receipt-later = Añadido después del final
receipt-by = De
receipt-person = La persona en este equipo
receipt-adds-to = Añade al registro n.º
receipt-words = Palabras
receipt-rating = Valoración
receipt-corrected = Corrección
receipt-reopened = Reabierta: la falla volvió
receipt-signed = Firma
receipt-stars = Estrellas
receipt-comment = Comentario
receipt-correction = Qué se corrige

## Firmas

receipt-signatures = Firmas
receipt-responsible = Responsable
receipt-reports = Reporta la falla
receipt-name = Nombre
receipt-key = Clave
receipt-signature = Firma
receipt-signed-at = Firmado el { $at }, registro n.º { $entry }
receipt-not-signed = Sin firma

## Cómo comprobarla

receipt-check = Cómo comprobar esta página
receipt-code = Código de comprobación:
receipt-code-same = Cada copia del mismo registro tiene el mismo código de comprobación.
receipt-how = Pida el archivo { $file } y escriba esto donde esté instalado Venia:
receipt-root = Pida las letras después de --root a la organización misma, nunca a esta página.
receipt-entries = Registros
receipt-standing = Guardado por
receipt-unrecorded = solo este equipo, todavía no el servicio de ayuda
receipt-recorded-only = el servicio de ayuda, sin testigos
receipt-witnessed = el servicio de ayuda y { $cosigned } de { $all } testigos
receipt-parts = Partes reservadas
receipt-times = Todas las horas están en UTC.
receipt-theirs = Lo que está entre comillas son palabras propias de otras personas.
receipt-limits = Esta página dice qué se permitió en este equipo, no quién lo usaba.
receipt-no-proof = Esta página no prueba nada por sí sola. Solo lo hace el archivo comprobado.
