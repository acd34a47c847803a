### La página de quien audita, junto a lo que dice audit.ftl.

auditing-title = Lo que dice el registro
auditing-places = Páginas
auditing-sessions = Sesiones
auditing-trends = Tendencias
auditing-verify = Verificar
auditing-export = Exportar
auditing-close = Cerrar este programa
auditing-closed-title = Cerrado
auditing-closed = El programa ha terminado. Puede cerrar esta página.
auditing-open-yourself = Abra esa dirección en su navegador. Sirve una vez, durante un minuto; después aparece otra.
auditing-nobody = Nadie abrió la página, así que el programa termina.
auditing-unknown = no se sabe

## La copia en este equipo

auditing-no-copy = Aún no hay copia del registro en este equipo. Tráigala.
auditing-copy = Copia de { $log } en este equipo: { $entries } entradas. Hora del propio registro en la más nueva:
auditing-fetch = Traer lo nuevo
auditing-noted = Esta página lee la copia de este equipo: no pregunta a nadie y no deja nota. Traer lo nuevo deja antes una nota en el registro de que usted miró.
auditing-begins = Un momento.
auditing-waiting = La copia se está poniendo al día. La página la muestra después.
auditing-fetched = Puesta al día a las { $time } ({ $local }).
auditing-open-words = Abrir las palabras de estas sesiones
auditing-open-words-noted = Las comprobaciones y las palabras solo se encuentran en lo que se abrió en este equipo. Abrirlas deja antes una nota en el registro de que usted buscó, pero no de qué.

## Elegir

auditing-choose = Elegir sesiones
auditing-more = Más para elegir
auditing-look = Mostrar estas
auditing-all = Mostrar todas
auditing-any = cualquiera
auditing-not-counted = en lista
auditing-field = { $field ->
    [word] Palabras que se dijeron, todas; no importan mayúsculas ni acentos
    [from] Desde este día (UTC)
    [to] Hasta este día (UTC)
    [technician] Clave de quien ayuda, o su comienzo
    [agent] Clave del equipo, o su comienzo
    [kind] Con un suceso de esta clase
    [item] Con esta comprobación
    [outcome] Terminada por esta causa
    [by] Contar por
   *[other] ?
}
auditing-wrong = No se muestra nada, porque no se puede buscar por: { $field ->
    [from] el primer día. Un día se escribe AAAA-MM-DD.
    [to] el último día. Un día se escribe AAAA-MM-DD.
    [technician] la clave de quien ayuda. Es demasiado larga.
    [agent] la clave del equipo. Es demasiado larga.
    [kind] la clase de suceso. No hay ninguna con ese nombre.
    [item] la comprobación. Su nombre es demasiado largo.
    [outcome] la causa. Es demasiado larga.
    [by] el periodo. Se cuentan días, semanas y meses.
    [sheet] la página de la lista. No es un número.
   *[other] ?
}
auditing-period = { $period ->
    [day] día
    [week] semana, desde el lunes
    [month] mes
   *[other] ?
}
auditing-cause = { $cause ->
    [person] por alguien en el equipo
    [technician] por quien ayudaba
    [expiry] tiempo agotado
    [silence] sin respuesta
    [no-eyes] nadie miraba
    [sleep] el equipo se durmió
    [lock] la pantalla se bloqueó
    [relay-lost] servicio perdido
    [relay-withholds] el servicio no dio recibos
    [revoked] pertenencia retirada
    [misbehaviour] reglas incumplidas
    [crash] fallo del programa
    [disk] disco lleno o averiado
    [done] trabajo terminado
   *[other] otra causa
}

## La lista

auditing-column = { $column ->
    [opened] Abierta
    [session] Sesión
    [technician] Claves de quienes ayudaron
    [agent] Clave del equipo
    [answers] Respuestas en el equipo
    [ended] Terminada
    [events] Sucesos
    [flags] Por mirar
    [period] Desde
    [sessions] Sesiones
    [flagged] Por mirar
    [entry] Entrada
    [kind] Qué
    [time] Cuándo
    [text] Texto alrededor
   *[other] ?
}
auditing-answers = { $yes } permitidas, { $no } denegadas, { $silence } sin respuesta
auditing-not-ended = sin terminar
auditing-pages = Páginas de la lista
auditing-newer = Sesiones más nuevas
auditing-older = Sesiones más antiguas
auditing-places-found = Dónde están juntas todas las palabras
auditing-places-cut = Solo se muestran los { $most } lugares más nuevos. Elija un tiempo más corto para ver los otros.
auditing-unknown-hint = Elíjala en la lista de sesiones.
auditing-flag = { $flag ->
    [hasty] apresurada
    [clock] reloj
    [late] tarde
    [gap] silencio
    [redaction] algo quitado
    [organisation] nadie comparó un código
    [withheld] retenido
    [abandoned] abandonada
    [jump] salto del reloj
    [expired] fuera del tiempo permitido
   *[other] ?
}

## Una sesión

auditing-session-title = Sesión { $session }
auditing-nothing-flagged = nada
auditing-open-session = Traer lo nuevo y abrir las palabras de esta sesión
auditing-open-session-noted = Esto deja antes una nota en el registro de que usted miró esta sesión.
auditing-events = Lo que pasó, en el orden del registro
auditing-recorded = Registrado
auditing-consent = La pregunta en que se apoya, y su respuesta
auditing-as-shown = La pregunta como se mostró ({ $language })
auditing-long-text = Texto de { $lines } líneas

## Verificar

auditing-verify-title = Verificar todo el registro
auditing-verify-about = Lee otra vez cada entrada de la copia desde sus bytes, y comprueba el árbol, cada firma y cada regla.
auditing-verify-fetch = Traer antes lo nuevo
auditing-verify-words = Abrir también las palabras de todas las sesiones, para juzgar alcance, tiempo y nivel. Solo al traer lo nuevo.
auditing-verify-since = Solo lo que llegó desde que todo se halló correcto
auditing-verify-begin = Verificar
auditing-verify-stop = Dejar de verificar
auditing-verify-noted = Traer y abrir dejan antes una nota en el registro cada uno. Sin ellos no se pregunta a nadie.
auditing-verdict = Veredicto
auditing-log = El registro { $log }:
auditing-broken-there = Mostrar esa sesión

## Con el tiempo

auditing-trends-title = Tendencias
auditing-trends-about = Se cuentan las sesiones elegidas aquí. Cada imagen tiene sus números en la tabla de abajo.
auditing-trends-cut = Las imágenes muestran los { $most } periodos más nuevos. La tabla los tiene todos.
auditing-trends-unread = { $count ->
    [one] Un añadido después del final no se puede leer aquí. Puede contener una valoración.
   *[other] { $count } añadidos después del final no se pueden leer aquí. Puede haber valoraciones entre ellos.
}
auditing-trends-how = Los tiempos son medianas: la mitad fue más corta. Las respuestas son las dadas en un equipo, así que el silencio no tiene tiempo. La espera va desde el comienzo de una sesión hasta que llegó alguien. Lo que no se sabe no es cero.
auditing-numbers = Los números
auditing-chart-sessions = Sesiones
auditing-chart-beside = La tabla de esta página tiene los mismos números.
auditing-trend = { $trend ->
    [sessions] Sesiones
    [refusals] Denegadas o sin respuesta en un equipo
    [allowed] Permitidas
    [denied] Denegadas
    [unanswered] Sin respuesta
    [refused] Ejecuciones rechazadas
    [hasty] Permitidas en menos de un segundo
    [took] Tiempo hasta responder
    [waited] Espera hasta que llega alguien
    [ratings] Valoraciones
    [stars] Estrellas de media
   *[other] ?
}

## Para otras herramientas

auditing-export-title = Exportar
auditing-export-about = Solo sesiones y campos en claro. Una exportación nunca contiene una palabra.
auditing-export-whole = Todo el registro, a una carpeta
auditing-export-format = Formato
auditing-format = { $format ->
    [tiles] C2SP tlog-tiles: entradas en bruto y su árbol
    [jsonl] Líneas JSON: sesiones y sucesos
    [csv] Tablas CSV: sesiones y sucesos
    [ocsf] Sucesos OCSF para un SIEM
   *[other] ?
}
auditing-export-folder = Carpeta
auditing-export-rules = Escríbala desde /. Se crea si falta, solo para usted; lo que escribió allí una exportación anterior se continúa.
auditing-export-fetch = Traer antes lo nuevo; esto deja una nota en el registro
auditing-export-write = Escribir
auditing-export-absolute = No se escribió nada. Nombre la carpeta desde /.
auditing-export-format-unknown = No se escribió nada. Elija uno de los formatos.
auditing-export-many = Es más de lo que un navegador debería guardar en un archivo. Elija menos sesiones, o escriba en una carpeta.
auditing-export-files = Lo que usted elija, como archivo
auditing-export-chosen = De la copia de este equipo. No pregunta a nadie.
auditing-save = Guardar { $file }
