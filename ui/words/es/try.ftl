### Lo que dice `cargo try`.

try-relay = • Se inicia un relé en este equipo
try-technician = • Se invita a Ana, técnica de nivel 3
try-person = • Usted es quien necesita ayuda. Ana usa el código por su cuenta; responda aquí a sus preguntas.
try-person-scripted = • Una persona simulada pide ayuda y lo permite todo
try-pages = • Se abren dos páginas en su navegador. En una es la persona; en la otra, el técnico.
try-page-person = La persona: { $address }
try-page-technician = El técnico: { $address }
try-reason = Para mostrarle lo que Venia puede ver
try-outcome = Se miró todo lo que se puede mirar
try-next = Lea el registro, o pruebe a decir que no
try-result =   { $status }: { $item }
try-findings = Lo que ve Ana, lo más grave primero ({ $checks } comprobaciones informaron):
try-fine = { $count ->
    [one]   y { $count } cosa que está bien
   *[other]   y { $count } cosas que están bien
}
try-verdict = { $verdict ->
    [intact] INTACTO: { $entries } entradas, todas firmadas, en orden y en el registro.
    [unclosed] SIN CERRAR: { $entries } entradas se sostienen, pero el final no está confirmado.
   *[other] NO INTACTO: este registro no se sostiene. La orden de abajo dice por qué.
}
try-bundle = Su registro: { $path }
try-check = Para comprobarlo usted mismo: venia verify { $path } --root { $root }
try-took = Tardó { $seconds } s.
try-not-empty = La carpeta { $path } no está vacía.
try-not-empty-hint = Indique una carpeta nueva; una primera sesión no debe encontrar las claves de otra.
try-no-terminal-hint = Ábralo en una ventana de terminal, o deje que responda una persona simulada: cargo try -- --yes
try-failed = El paso «{ $step }» no funcionó: { $problem }.
try-failed-hint = Ponga VENIA_LOG=debug y pruebe otra vez para ver más.
