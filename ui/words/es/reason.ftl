# Por qué algo no es lo que debe ser; cada una va dentro de una oración, tras dos puntos.

reason-code-shape = un código es un número y dos palabras, como 417-lobo-cobre
reason-code-number = un código empieza con un número de una a seis cifras
reason-code-word = las palabras de un código tienen de cuatro a siete letras de la a a la z, sin acentos

reason-invite-prefix = una invitación empieza con venia-invite-
reason-invite-damaged = está incompleta o mal escrita; copie la palabra entera
reason-invite-version = la hizo una versión más nueva

reason-text-empty = no hay nada
reason-text-long = { $max ->
    [one] cabe un carácter como máximo
   *[other] caben { $max } caracteres como máximo
}
reason-text-lines = debe ser una sola línea sin caracteres de control
reason-text-link = ahí no se permiten enlaces

reason-argument-unknown = no hay ningún parámetro «{ $name }»
reason-argument-value = «{ $name }» no puede ser «{ $value }»

reason-unclosed-close = el cierre de la sesión no está en el archivo
reason-unclosed-receipts = los últimos eventos aún no tienen recibo
reason-unclosed-checkpoints = los recibos no se refieren todos a un mismo punto del registro
reason-unclosed-witnesses = los testigos de la organización aún no lo han confirmado todo

reason-unchecked-withheld = { $parts ->
    [one] lo que dice una parte retenida
   *[other] lo que dicen { $parts } partes retenidas
}
reason-unchecked-levels = { $runs ->
    [one] si el nivel del técnico bastaba para una ejecución que aquí no se conoce
   *[other] si el nivel del técnico bastaba para { $runs } ejecuciones que aquí no se conocen
}
reason-unchecked-clock = las horas, que son palabra de esa PC: su reloj decía { $said } cuando el del relé decía { $at }
reason-unchecked-receipt = receipt.html
