### Qué salió mal, si se compartió o perdió algo, y el siguiente paso. Lo leen todos.

nothing-shared = No se compartió nada.
nothing-lost = No se perdió nada.
nothing-shared-nor-lost = No se compartió nada y no se perdió nada.
record-kept = Lo que se compartió antes está en el registro.
trouble-hint = Siguiente paso: { $hint }

trouble-wrong-code = Ese código no era correcto. Ya no sirve.
trouble-wrong-code-hint = Pida un código nuevo a la persona.
trouble-burnt = Ese código se gastó en un intento equivocado.
trouble-burnt-hint = Pida un código nuevo a la persona.
trouble-expired = El código o la invitación caducó, o ya se usó.
trouble-expired-hint = Pida otro nuevo.
trouble-revoked = Esta membresía fue retirada.
trouble-revoked-hint = Consulte a su administrador.
trouble-fingerprint = El servicio de ayuda no es el que este equipo conoce.
trouble-fingerprint-hint = Compruebe la dirección con quien se la dio.
trouble-version = Los dos programas son de épocas demasiado distintas.
trouble-version-hint = Actualice el más antiguo.
trouble-unreachable = No se puede alcanzar el servicio de ayuda.
trouble-unreachable-hint = Revise la conexión y la dirección, y vuelva a intentarlo.
trouble-disk = No se puede escribir el registro, así que no se puede hacer nada.
trouble-disk-hint = Libere espacio en el disco y vuelva a intentarlo.
trouble-busy = Ya hay otra sesión en marcha.
trouble-busy-hint = Termine antes la otra sesión, o espere.
trouble-no-terminal = Las preguntas solo se pueden responder en una terminal.
trouble-no-terminal-hint = Ábralo en una ventana de terminal, sin redirigir la entrada ni la salida.
trouble-no-page = Este programa no puede mostrar una página en este equipo.
trouble-no-page-hint = Pregunte en la terminal, con: venia-agent ask.
trouble-no-home = Este equipo no dice dónde pueden guardar datos los programas.
trouble-no-home-hint = Indique usted una carpeta, con --data.
trouble-output = No se puede escribir la salida.
trouble-output-hint = Revise el disco o el programa que la recibe, y vuelva a intentarlo.
trouble-usage = No se entendió esa orden.
trouble-usage-hint = Lea con --help lo que admite.
trouble-inside = El programa falló en { $place }.
trouble-inside-hint = Comunique ese lugar a quien le dio el programa, por favor.

log-lost = El servicio de ayuda ha perdido una parte de su registro. Se restauró desde una copia. Allí faltan { $lost } entradas que este equipo vio. Sus propios registros están enteros y siguen siendo válidos: consérvelos.
log-restored = El servicio de ayuda se restauró desde una copia. Ha abierto un registro nuevo. No falta nada de lo que este equipo vio del anterior.
log-contradicted-unproven = El registro anterior del servicio de ayuda no coincide con lo que vio este equipo. No hay prueba para otros. Dice que se restauró desde una copia, y ha abierto un registro nuevo.
log-contradicted = El registro anterior del servicio de ayuda se contradijo; la prueba está en { $file }. Dice que se restauró desde una copia, y ha abierto un registro nuevo.
seen-damaged = Lo que este equipo vio del servicio de ayuda está dañado, en { $file }. Sin eso nadie notaría un registro cambiado.
seen-damaged-hint = Recupere el archivo desde una copia. Si no la hay, pregunte a su organización si su registro sigue siendo el mismo. Solo entonces aparte el archivo.
log-unshown = El servicio de ayuda ha abierto un registro nuevo. No puede mostrar que continúa el que vio este equipo.
log-unshown-hint = Pregunte a su organización qué ha pasado. Lo que este equipo vio del registro anterior se conserva.
