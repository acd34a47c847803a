# Páginas locales: lo que es igual en todas.

page-skip = Ir a la parte principal
page-look-again = Mirar otra vez
page-local = Esta página vive solo en este equipo.
page-gone = El programa de esta página ha terminado. Puede cerrar la página.

## La página de la persona a cuyo equipo se ayuda

page-title = Ayuda con este equipo
page-title-code = Su código
page-title-asked = Una pregunta para usted
page-title-session = Le están ayudando
page-title-over = La sesión ha terminado
page-title-failed = No ha funcionado
page-title-left = Hasta luego
page-connected = ● { $name } tiene conexión
page-came = { $name } tiene conexión.
page-stop = Detener todo
page-stop-waiting = Detener
page-nothing-yet = Todavía no se ha compartido nada.
page-each-thing = Usted aprueba cada cosa, una por una.
page-stop-always = Detener está siempre arriba en esta página.
page-address = La dirección que le dio su servicio de ayuda
page-intake = ¿Cuál es el problema?
page-intake-free = No hace falta que rellene nada aquí.
page-intake-about = Qué ha pasado
page-intake-since = Desde cuándo
page-intake-called = ¿Cómo quiere que le llamen?
page-begin = Pedir un código
page-asking = Un momento: se pide un código a su servicio de ayuda.
page-code-read = Lea este código a la persona que le ayuda:
page-code-aloud = Letra por letra:
page-code-left = Sirve una sola vez, durante
page-nobody = No hubo ninguna sesión. No se ha compartido nada.
page-arriving = Alguien está llegando. Antes se le preguntará a usted.
page-with-you = { $name } le está ayudando. Aquí ve todo lo que ocurre.
page-time-left = Lo que ha permitido termina en
page-say = Escriba a la persona que le ayuda
page-say-send = Enviar esta línea
page-happened = Qué ha ocurrido
page-changed = La pregunta ha cambiado. Por favor, léala otra vez.
page-too-soon = Ha sido muy rápido. Lea la pregunta y pulse otra vez.
page-elsewhere = Esta página está abierta en otro lugar, y ahora manda aquella.
page-act-here = Usar esta página
page-again = Intentar otra vez
page-leave = He terminado: cerrar este programa
page-left = El programa ha terminado. Puede cerrar esta página.
page-card-resume = ¿Seguimos?
page-card-consent = Lo que le piden
page-card-sign = Su firma
page-card-free = Una pregunta para usted
page-no = No conozco a esta persona
page-yes = Es esa persona
page-end = Terminar la sesión
page-go-on = Seguir
page-deny = No permitir
page-allow = Permitir
page-keep = No enviar
page-send = Enviar
page-not-now = Ahora no
page-sign = Firmar
page-stars = ¿Qué tal la ayuda?
page-star = { $count ->
    [one] 1 estrella
   *[other] { $count } estrellas
}
page-comment = Un comentario, si quiere
page-tick = Mostrar la pregunta con estas casillas
page-tick-all = Marcar todas
page-exactly = Qué es exactamente
page-time = ¿Cuánto tiempo?
page-minutes = { $minutes } minutos
page-until-stop = Hasta que yo detenga
page-save-copy = Guardar mi copia
page-receipt = Su recibo
page-receipt-who = Quién
page-receipt-member = { $name } ({ $organisation }, nivel { $level })
page-moment = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
} de { $year }, { $clock } (UTC{ $zone })
page-receipt-from = Desde
page-receipt-to = Hasta
page-receipt-allowed = Preguntas a las que dijo que sí
page-receipt-refused = Preguntas a las que no
page-receipt-code = Código de comprobación
page-receipt-ran = Qué se ha mirado o cambiado
page-ran-sent = enviado
page-ran-kept = guardado aquí
page-ran-failed = no ha funcionado
page-ran-refused = rechazado
page-ran-not-sent = no enviado
