### Lo que dicen las órdenes del agente fuera de una sesión.

agent-journal = No se puede usar el registro de este equipo: { $problem }.
agent-address = Esa no es la dirección de un servicio de ayuda.
agent-address-hint = Cópiela entera, como se la envió su servicio de ayuda: empieza por venia://
agent-no-relay = Este equipo todavía no conoce ningún servicio de ayuda.
agent-no-relay-hint = Pida la dirección a su servicio de ayuda y escriba: venia-agent ask --relay DIRECCIÓN
agent-auditor = Su servicio de ayuda nombra un auditor que este programa no admite.
agent-auditor-hint = Instale una versión más nueva de este programa, o avise a su servicio de ayuda.
agent-record-later = El registro queda guardado aquí. Se completará en el próximo contacto.
agent-never-began = La sesión de { $opened } no llegó a empezar: el servicio de ayuda no registró su comienzo. En este equipo no se ejecutó nada ni se compartió nada.
agent-never-began-hint = No hay ningún registro que completar. Vuelva a pedir ayuda cuando la necesite.
agent-unknown-session = En este equipo no hay ninguna sesión terminada con ese nombre.
agent-unknown-session-hint = Para ver todas las sesiones, escriba: venia-agent history

history-empty = Todavía no hay sesiones.
history-line = { $session }  { $opened }  { $who } ({ $organisation })
history-damaged = No se puede leer la sesión { $session }: { $problem }.

show-who = { $who } ({ $organisation })
show-opened = Empezó: { $opened }
show-yes = Permitido en este equipo a las { $at }, tras { $seconds } s.
show-no = No permitido en este equipo a las { $at }, tras { $seconds } s.
show-silence = Nadie respondió hasta las { $at }. Eso significa que no.
show-ran = { $at }  { $status }  { $title }
show-closed = Terminó: { $at }. { $why }

export-fetching = Completando el registro
export-done = Escrito: { $path }
export-withheld = Se omitieron { $parts } partes. Quien verifique el archivo verá cuántas.
export-no-entry = El registro no tiene la entrada número { $entry }. No se escribió nada.
export-no-entry-hint = Las entradas cuentan desde 0; venia verify dice cuántas hay.
export-failed = No se puede escribir el archivo: { $problem }.
export-failed-hint = Revise la carpeta y sus permisos, o dé otro nombre de archivo.
export-exists = Ya hay un archivo con este nombre. No se cambió.
export-exists-hint = Dé otro nombre de archivo.

sign-stars = ¿Cuántas estrellas, de 1 a 5? Pulse Intro para omitir.
sign-comment = ¿Desea añadir un comentario? Pulse Intro para omitir.
agent-log-lied = El registro de este servicio de ayuda ya se contradijo. La prueba está en { $file }.
agent-log-lied-hint = Muestre ese archivo a su organización. No habrá sesiones hasta que abra un registro nuevo.
agent-log-closed = El registro de aquella sesión está cerrado. Lo que usted añadió queda en este equipo, no en el registro.

agent-record-witnessed = Registrado por el servicio de ayuda y atestiguado: lo confirmaron { $by } de { $all } testigos.
agent-record-not-witnessed = Registrado por el servicio de ayuda. Los testigos aún no lo han confirmado. Su copia se completará cuando vuelva a pedir ayuda.
agent-no-witnesses = En este equipo no se ejecuta nada sin que lo confirmen testigos. Este servicio de ayuda no los tiene.
agent-no-witnesses-hint = Pida testigos al servicio de ayuda, o permítalo sin ellos: venia-agent ask --not-strict
agent-policy = No se pueden cumplir las normas del dueño de este equipo: { $why }.
agent-policy-hint = Corrija ese archivo o pregunte a quien cuida de este equipo.
agent-owner-service = El dueño de este equipo no permite este servicio de ayuda.
agent-owner-hours = El dueño de este equipo no permite ayuda a esta hora.
agent-owner-hint = Pregunte a quien cuida de este equipo.

redact-unread = No se puede leer el archivo { $file }: { $problem }.
redact-too-long = El archivo { $file } ocupa más de { $megabytes } MiB.
redact-known = No se pueden usar los valores conocidos: { $problem }.
redact-hint = Dé un archivo de texto, y los valores conocidos como un objeto JSON.
