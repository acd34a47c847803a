#!/usr/bin/env python3
"""Checks a Venia bundle with nothing but Python's standard library and openssl:  verify.py session-….zip [FINGERPRINT]

Every byte, signature, chain, receipt, member and count that docs/ledger.md tells of, and the rules as far as the clear
fields go; what the words of a consent allow is read by `venia verify` alone. Exit 0: holds, by the root given.
1: broken, and where. 2: holds, by keys from the file; or its end isn't there."""
import base64, datetime, functools, hashlib, io, json, re, subprocess, sys, tempfile, zipfile

COMMON = "session author seq prev seen kind time after parts"
KINDS = {  # who writes it, its own fields, its part
    "open": ("agent", "versions", "body"), "join": ("agent", "strand key verified", "body"),
    "consent": ("agent", "asked answer took", "body"), "request": ("technician", "", "body"),
    "admit": ("agent", "request grant", "body"), "refuse": ("agent", "request why", "body"),
    "result": ("agent", "admit status", "body"), "series": ("agent", "admit samples block", "block"),
    "chat": ("", "", "body"), "note": ("", "", "body"), "redaction": ("agent", "admit", "body"),
    "pause": ("agent", "by cause", ""), "resume": ("agent", "by cause", ""), "stop": ("agent", "by cause", ""),
    "signoff": ("technician", "tips", "body"), "close": ("agent", "by cause final", ""), "addendum": ("", "about what", "body")}
STRAND, HEX = "(?:technician|observer)-[1-9][0-9]{0,4}", "[0-9a-f]{64}"
NAMES = (f"statement|members/{STRAND}|participants|policy|[0-9]{{6}}\\.(?:event|tlog-proof)|first\\.checkpoint|consistency"
         f"|join\\.batch\\.{STRAND}|parts/{HEX}|sealed/{HEX}\\.age|receipt\\.html|README\\.txt")
TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"
OUR_TIME, TOTAL_MAX, RUNGS = (2013, 6, 1, 0, 0, 0), 512 << 20, [1 << n for n in (10, 12, 14, 16, 18, 20)]

place = [""]  # what is being looked at
sha = lambda data: hashlib.sha256(data).digest()
node = lambda left, right: sha(b"\1" + left + right)

def need(holds, what):
    if not holds:
        raise ValueError(what)

# --- Texts, of which each has one spelling.

def plain(data):
    text = data.decode()
    need(not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text), "a control character, or another line end than LF")
    return text

def b64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), "base64")
    return data

def strict(line):
    """JSON in printable ASCII: no key twice, whole numbers up to 2^53."""
    def once(pairs):
        need(len(dict(pairs)) == len(pairs), "a key stands twice")
        return dict(pairs)
    def whole(number):
        need(number != "-0" and abs(int(number)) <= 1 << 53, "number")
        return int(number)
    need(re.fullmatch("{[ -~]*}", line), "not an object in ASCII")
    return json.loads(line, object_pairs_hook=once, parse_int=whole, parse_float=lambda _: need(False, "number"), parse_constant=lambda _: need(False, "number"))

# --- Signed notes.

@functools.cache
def ed25519(key, message, signature):
    with tempfile.NamedTemporaryFile() as public, tempfile.NamedTemporaryFile() as signed, tempfile.NamedTemporaryFile() as text:
        for file, data in ((public, bytes.fromhex("302a300506032b6570032100") + key), (signed, signature), (text, message)):
            file.write(data), file.flush()
        run = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", public.name, "-sigfile", signed.name, "-in", text.name]
        return subprocess.run(run, capture_output=True).returncode == 0

def vkey(text, algorithm=1):
    name, key_id, key = text.split("+", 2)
    raw = b64(key, 33)
    need(raw[0] == algorithm and re.fullmatch("[!-*,-~]{1,128}", name), "not a verifier key")
    need(sha(name.encode() + b"\n" + raw)[:4].hex() == key_id, "a key id that isn't its key's")
    return name, bytes.fromhex(key_id), raw[1:]

def split(note):
    """The text of a note, and name, key id and bytes of each signature."""
    text, gap, lines = plain(note).rpartition("\n\n")
    need(gap and lines.endswith("\n") and len(note) <= 65536 and len(text.encode()) < 16384, "not a signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        dash, name, signature = line.split(" ")
        raw = b64(signature)
        need(dash == "\u2014" and name and len(raw) > 4 and len(signatures) < 64, "signature line")
        signatures.append((name, raw[:4], raw[4:]))
    return text + "\n", signatures

def signed(note, key, kind=None):
    """Verifies a note by this very key. With a kind: gives its one line of JSON; such a note has one signature."""
    name, key_id, raw = vkey(key)
    text, signatures = split(note)
    ours = [signature for of, by, signature in signatures if (of, by) == (name, key_id)]
    need(ours and all(ed25519(raw, text.encode(), signature) for signature in ours), f"not signed by the key of {name}")
    if kind:
        need(len(signatures) == 1 and text.count("\n") == 2 and text.startswith(kind + "\n"), f"not a {kind}")
        return strict(text.split("\n")[1])

# --- The tree.

def root_of(first, position, last, proof, also=None):
    """RFC 9162: climbs from a node to the root; with `also`, rebuilds the old root on the way."""
    new = first
    for sibling in proof:
        need(last, "proof too long")
        if position & 1 or position == last:
            new, also = node(sibling, new), also and node(sibling, also)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node(new, sibling)
        position, last = position >> 1, last >> 1
    need(last == 0, "proof too short")
    return new, also

class Logs:
    """The logs a statement names, and every checkpoint of theirs that was met."""

    def __init__(self, statement):
        self.keys = {relay["log"].split("+")[0]: relay["log"] for relay in statement["relays"]}
        self.roots, self.seen, self.common = {}, {}, ""

    def one_root(self, origin, size, root):
        need(self.roots.setdefault((origin, size), root) == root, "two roots at one size")

    def checkpoint(self, note):
        origin, size, root, *more = split(note)[0][:-1].split("\n")
        need(origin in self.keys, "a foreign origin")
        signed(note, self.keys[origin])
        need(re.fullmatch("0|[1-9][0-9]{0,15}", size) and all(more) and len(more) <= 16, "not a checkpoint")
        self.one_root(origin, int(size), b64(root, 32))
        return origin, int(size), b64(root, 32)

    def receipt(self, proof, entry):
        """Checks that an entry is in the tree of its proof's checkpoint; gives its index and that checkpoint's note."""
        head, _, note = plain(proof).partition("\n\n")
        first, index, *siblings = head.split("\n")
        need(first == "c2sp.org/tlog-proof@v1" and re.fullmatch("index (?:0|[1-9][0-9]{0,15})", index), "not a tlog-proof")
        tree = self.checkpoint(note.encode())
        need(note == self.common or split(note.encode())[0] != split(self.common.encode())[0], "the same checkpoint has other signatures elsewhere")
        self.seen[tree] = note
        index, (_, size, root) = int(index[6:]), tree
        need(index < size and root_of(sha(b"\0" + entry), index, size - 1, [b64(hash, 32) for hash in siblings])[0] == root, "not in the tree")
        return index, tree

# --- The bundle.

def unpack(path):
    place[0] = "zip"
    with open(path, "rb") as file:
        data = file.read(TOTAL_MAX)
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        entries = bundle.infolist()
        need(sum(entry.file_size for entry in entries) <= TOTAL_MAX and not bundle.comment, "too large, or a comment")
        files = {}
        for entry in entries:
            place[0] = entry.filename
            need(re.fullmatch(NAMES, entry.filename) and entry.filename not in files, "not a file of a bundle, or there twice")
            need(entry.external_attr >> 28 in (0, 8) and not entry.flag_bits & 1, "not a plain file")
            files[entry.filename] = bundle.read(entry)
    place[0] = "zip"
    ours = lambda entry: (entry.date_time, entry.create_system, entry.create_version, entry.external_attr, entry.internal_attr,
        entry.extra, entry.compress_type) == (OUR_TIME, 3, 10, 0o100644 << 16, 0, b"", 0)
    if any(map(ours, entries)):  # packed by us, so every byte is known
        again = io.BytesIO()
        with zipfile.ZipFile(again, "w") as bundle:
            for name, content in files.items():
                entry = zipfile.ZipInfo(name, OUR_TIME)
                entry.create_system, entry.create_version, entry.extract_version, entry.external_attr = 3, 10, 10, 0o100644 << 16
                bundle.writestr(entry, content)
        need(again.getvalue() == data, "bytes that belong to no file, or that aren't what they must be")
    return files

def form(event):
    """What one event must be in itself."""
    writer, fields, part = KINDS[event["kind"]]
    need(set(event) == set(f"{COMMON} {fields}".split()), "a field too many or too few")
    need(event["author"].startswith(writer) and re.fullmatch(f"agent|{STRAND}", event["author"]), "never written by this strand")
    need(re.fullmatch("[0-9a-f]{32}", event["session"]) and re.fullmatch(TIME, event["time"]), "session or time")
    need((event["author"], event["seq"]) == ("agent", 0) if event["kind"] == "open" else (event["author"], event["seq"]) != ("agent", 0), "the open comes first")
    need(event["after"] is None or event["after"]["size"] > 0, "quotes a checkpoint of nothing")
    need(all(len(b64(leaf, 32)) for leaf in event["seen"].values()) and event["author"] not in event["seen"], "seen")
    status, parts = event.get("status"), [entry["name"] for entry in event["parts"]]
    fits = parts == [part] * bool(part) and status not in ("withheld", "lost")
    need(fits or not parts and status in ("withheld", "lost", "failed", "killed", "late"), "parts")
    for entry in event["parts"]:
        need(set(entry) == {"name", "commit", "len", "sealed"} and re.fullmatch(HEX, entry["commit"]) and entry["len"] in RUNGS, "part")

def chains(notes, events, leaves, keys):
    """Who wrote what after what; gives the keys of those who joined."""
    known, joined, seen, quoted, times, close = {}, {"agent": keys["agent"]}, {}, set(), {}, None
    for n, (note, event, leaf) in enumerate(zip(notes, events, leaves)):
        place[0], strand = f"{n:06}.event", event["author"]
        need(event["session"] == events[0]["session"] and strand in joined, "another session's, or of somebody who never joined")
        signed(note, joined[strand], "venia/event@v1")
        own = [leaf for leaf, (of, _) in known.items() if of == strand]
        need((event["seq"], event["prev"]) == (len(own), own[-1] if own else None), f"doesn't follow the event of {strand} before it")
        now = {of: known[leaf][1] for of, leaf in event["seen"].items() if leaf in known and known[leaf][0] == of}
        need(now.keys() == event["seen"].keys() and all(now.get(of, -1) >= at for of, at in seen.get(strand, {}).items()), "seen")
        need(times.setdefault(strand, event["time"]) <= event["time"], "its time goes back")
        times[strand] = event["time"]
        need(event["after"] is not None or strand not in quoted, "quotes no checkpoint, although one before it did")
        need(event["about"] == close if event["kind"] == "addendum" else close is None, "only addenda follow the close, and name it")
        if event["kind"] == "join":
            role = event["strand"].partition("-")[0]
            number = 1 + sum(of.startswith(role) for of in joined)
            names = [key.split("+")[0] for key in joined.values()]
            need(event["strand"] == f"{role}-{number}" and vkey(event["key"])[0] not in names and event["key"] not in joined.values(), "strand")
            joined[event["strand"]] = event["key"]
        if event["kind"] == "signoff":
            tips = dict(event["tips"])
            need(tips.get(strand) == ([len(own), own[-1]] if own else None), "tips")
            need(all(known.get(tip) == (of, count - 1) for of, (count, tip) in tips.items()), "tips")
            need("agent" in tips and all(tips.get(of, [0])[0] > at for of, at in now.items()), "tips name less than was seen")
        known[leaf], seen[strand] = (strand, len(own)), now
        quoted |= {strand} if event["after"] else set()
        if event["kind"] == "close":
            close, counts = leaf, {of: sum(event["author"] == of for event in events[:n + 1]) for of in [*joined, *event["final"]]}
            need(event["final"].keys() <= joined.keys(), "the close counts events of somebody who never joined")
            need(event["final"].get("agent") and {**dict.fromkeys(counts, 0), **event["final"]} == counts, "the close counts other events")
    place[0] = "participants"
    need(joined == keys, "not the strands and keys the agent's joins name")
    return close

def rules(events, leaves, index, log):
    """What the clear fields say of SECURITY E9: no admit without a yes, no result before its admit was in the log."""
    at, who, ended, halt, let_in, slept = {leaf: n for n, leaf in enumerate(leaves)}, {}, set(), None, {}, -1
    for n, event in enumerate(events):
        place[0], kind = f"{n:06}.event", event["kind"]
        before = lambda field, *kinds: events[at[event[field]]] if at.get(event[field], n) < n and events[at[event[field]]]["kind"] in kinds else None
        if kind == "consent":
            asked = before("asked", "request", "join")
            need(asked, "answers nothing that was asked before it")
            who[leaves[n]] = asked["strand"] if asked["kind"] == "join" else asked["author"]
            if asked["kind"] == "join":
                let_in.setdefault(asked["strand"], event["answer"] == "yes")
        if kind in ("pause", "resume") and event["cause"] == "sleep":
            slept = n
        if kind in ("admit", "refuse"):
            request = before("request", "request")
            need(request and (kind == "refuse" or event["request"] not in ended), "acted without consent: not requested, or decided already")
            ended.add(event["request"])
        if kind == "admit":
            grant = before("grant", "consent")
            need(grant and grant["answer"] == "yes" and who[event["grant"]] == request["author"], "acted without consent")
            need(let_in.get(request["author"]), "acted without consent: never let in")
            need(at[event["grant"]] > slept, "acted without consent: allowed before the PC slept")
            need(halt is None, "acted without consent: paused or stopped")
            need(index[n] is None or max(index[at[event["request"]]], index[at[event["grant"]]]) < index[n], "acted before record")
        if kind in ("result", "series", "redaction"):
            need(before("admit", "admit"), "acted without consent: nothing had been admitted")
        if kind in ("result", "series") and index[at[event["admit"]]] is not None:
            after = event["after"]
            need(after and after["origin"] == log and after["size"] > index[at[event["admit"]]], "acted before record")
        if kind == "result":
            need(event["admit"] not in ended and (halt != "stop" or event["status"] not in ("done", "unknown")), "a second result, or one after the stop")
            ended.add(event["admit"])
        need(kind != "series" or halt is None, "acted without consent: paused or stopped")
        halt = "stop" if "stop" in (kind, halt) else "pause" if kind == "pause" else None if kind == "resume" else halt

def policy_of(statement):
    witnesses = [f"w{n} {key}" for n, key in enumerate(statement["witnesses"], 1)]
    lines = [f"log {relay['log']}" for relay in statement["relays"]] + [f"witness {witness}" for witness in witnesses]
    of = "all" if statement.get("quorum", 0) >= len(witnesses) else statement["quorum"]
    some = [f"group all {of} {' '.join(witness.split(' ')[0] for witness in witnesses)}", "quorum all"]
    return "".join(f"{line}\n" for line in lines + (some if statement.get("quorum", 0) else ["quorum none"]))

def cosigned(note, witness):
    name, key_id, raw = vkey(witness, 4)
    text, signatures = split(note.encode())
    ours = [signature for of, by, signature in signatures if (of, by) == (name, key_id)]
    for signature in ours:
        stamp = int.from_bytes(signature[:8], "big")
        need(ed25519(raw, f"cosignature/v1\ntime {stamp}\n{text}".encode(), signature[8:]), f"witness {name}")
    return bool(ours)

def verify(path, fingerprint=None):
    files = unpack(path)
    def look(name):
        place[0] = name
        need(name in files, "missing")
        return files[name]
    claimed = strict(split(look("statement"))[0].split("\n")[1])["root"]
    statement = signed(look("statement"), claimed, "venia/statement@v1")
    found = base64.b32encode(sha(claimed.encode())).decode().rstrip("=").lower()
    need(fingerprint in (None, found), f"signed by the root {found}, not by the one named")
    witnesses = [vkey(witness, 4) for witness in statement["witnesses"]]
    need(all(len({witness[of] for witness in witnesses}) == len(witnesses) for of in (0, 2)), "a witness counted twice")
    need(look("policy").decode() == policy_of(statement), "not what the statement asks")
    lines = plain(look("participants")).split("\n")
    keys = dict(line.split(" ") for line in lines[:-1])
    need(lines[-1] == "" and len(keys) == len(lines) - 1 and next(iter(keys)) == "agent", "not one strand and key a line, the agent first")
    [vkey(key) for key in keys.values()]

    count = sum(name.endswith(".event") for name in files)
    notes = [look(f"{n:06}.event") for n in range(max(count, 1))]
    [look(f"{name[:6]}.event") for name in sorted(files) if name.endswith(".tlog-proof")]
    events = []
    for n, note in enumerate(notes):
        look(f"{n:06}.event")
        events.append(strict(split(note)[0].split("\n")[1]))
        form(events[-1])
        need(all((part["sealed"] is not None) == bool(statement["auditors"]) for part in events[-1]["parts"]), "sealed exactly if there are auditors")
    leaves = [base64.b64encode(sha(b"\0" + note)).decode() for note in notes]
    close = chains(notes, events, leaves, keys)

    logs, index, newest = Logs(statement), [], {}
    ends = [data.partition(b"\n\n")[2] for name, data in sorted(files.items()) if name.endswith(".tlog-proof")]
    logs.common = max(ends, key=ends.count, default=b"").decode(errors="replace")
    for n, note in enumerate(notes):
        if f"{n:06}.tlog-proof" in files:
            need(None not in index, "has no receipt, but later events have")
            at, tree = logs.receipt(look(f"{n:06}.tlog-proof"), note)
            need(newest.get(events[n]["author"], -1) < at, "stands in the log before the event it follows")
            newest[events[n]["author"]] = at
        place[0] = f"{n:06}.event"
        index.append(at if f"{n:06}.tlog-proof" in files else None)
    need(logs.seen, "has no receipt")
    whole = close and None not in index and len(logs.seen) == 1
    common = max(logs.seen, key=lambda tree: tree[1])
    origin, size, root = common

    first_origin, old_size, old = logs.checkpoint(look("first.checkpoint"))
    need(first_origin == origin and index[0] < old_size <= size, "doesn't lie between the first event and the common checkpoint")
    proof = plain(look("consistency")).split("\n")
    need(proof.pop() == "", "not one hash a line")
    proof, position, last = [b64(line, 32) for line in proof], old_size - 1, size - 1
    if old_size == size:
        need(old == root and not proof, "not one tree")
    else:
        while position & 1:
            position, last = position >> 1, last >> 1
        start = old if position == 0 else proof.pop(0)
        need(root_of(start, position, last, proof, start) == (root, old), "the first checkpoint isn't a beginning of the common one")
    place[0] = "000000.tlog-proof"
    witnesses = sum(cosigned(logs.seen[common], witness) for witness in statement["witnesses"])
    need(not whole or witnesses >= statement.get("quorum", 0), "a required witness is missing")
    arrived = set()
    for n, event in enumerate(events):
        place[0], after = f"{n:06}.event", event["after"]
        if after is not None:
            ours, base = after["origin"] == origin, lambda name: re.sub("/[0-9]+$", "", name)
            need(ours or event["author"] not in arrived, "quotes another log's checkpoint after one of its own")
            need(ours or base(after["origin"]) in map(base, logs.keys), "a foreign origin")
            arrived |= {event["author"]} if ours else set()
            need(not (ours and event["author"] == "agent" and index[0] < after["size"] < old_size), "quotes a checkpoint before the first")
            need(set(after) == {"origin", "size", "root"} and (after["origin"] != origin or index[n] is None or after["size"] <= index[n]), "quotes a checkpoint that didn't exist before it")
            logs.one_root(after["origin"], after["size"], b64(after["root"], 32))

    joins = {event["strand"]: n for n, event in enumerate(events) if event["kind"] == "join"}
    for name in files:
        place[0], strand = name, name.removeprefix("join.batch.").removeprefix("members/")
        need(strand == name or strand in joins, "of somebody who never joined")
    for strand, n in joins.items():
        observed = ""
        if index[n] is not None:
            note, start, proof = look(f"join.batch.{strand}").partition(b"c2sp.org/tlog-proof@v1\n")
            batch = signed(note, logs.keys[origin], "venia/batch@v1")
            at, tree = logs.receipt(start + proof, note)
            need(set(batch) == {"origin", "n", "observed", "previous"} and re.fullmatch(TIME, batch["observed"]) and batch["origin"] == origin and tree == common, "not a batch")
            need(at < index[n] <= at + batch["n"], "another batch than the one of the join")
            observed = batch["observed"]
        if f"members/{strand}" in files or strand.startswith("technician"):
            member = signed(look(f"members/{strand}"), statement["authority"], "venia/member@v1")
            need(set(member) == {"key", "name", "role", "level", "not_after"} and member["key"] == keys[strand], "the note of another key")
            need(strand.startswith("observer") or member["role"] in ("technician", "administrator"), "a role that doesn't write this strand")
            need(member["not_after"] >= observed, "no longer held when its owner joined")
            moment = lambda text: datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
            need(not observed or moment(member["not_after"]) - moment(observed) <= datetime.timedelta(hours=25), "lives longer than a day")
            shown = files.get(f"parts/{events[n]['parts'][0]['commit']}")
            if shown:  # the note as the agent saw it
                place[0], shown = f"{n:06}.event", json.loads(shown[36:36 + int.from_bytes(shown[32:36], "little")])["member"]
                seen = signed(shown.encode(), statement["authority"], "venia/member@v1")
                need({**seen, "not_after": ""} == {**member, "not_after": ""}, "the note as seen is another one")
        place[0] = "statement"
        need(statement["not_after"] >= observed, "no longer held when the session took place")

    parts = {part["commit"]: part for event in events for part in event["parts"]}
    for name in files:
        place[0], data = name, files[name]
        if name.startswith("parts/"):
            length = int.from_bytes(data[32:36], "little")
            need(sha(data).hex() == name[6:] and parts[name[6:]]["len"] == len(data), "not what an event committed to")
            need(len(data) == min(rung for rung in RUNGS if rung >= length + 36) and not any(data[36 + length:]), "padding")
        if name.startswith("sealed/"):
            need(sha(data).hex() == name[7:-4] and any(part["sealed"] == name[7:-4] for part in parts.values()), "not what an event names")
    for n, event in enumerate(events):
        block = files.get(f"parts/{event['parts'][0]['commit']}") if event["kind"] == "series" else None
        place[0] = f"{n:06}.event"
        need(block is None or sha(block[36:36 + int.from_bytes(block[32:36], "little")]).hex() == event["block"], "other samples")
    rules(events, leaves, index, origin)
    return ("intact" if fingerprint else "self-consistent") if whole else "unclosed"

if __name__ == "__main__":
    try:
        verdict = verify(*sys.argv[1:3])
    except Exception as error:
        sys.exit(f"broken: {ascii(place[0])[1:-1]}: {ascii(str(error))[1:-1]}")
    print(verdict)
    sys.exit(0 if verdict == "intact" else 2)
