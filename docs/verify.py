#!/usr/bin/env python3
"""Checks a Venia bundle with nothing but Python's standard library and openssl:  verify.py session-….zip [FINGERPRINT]

Signatures, leaves, inclusion, consistency, strands, members, parts and the close's count; not the rules of consent
(`venia verify` does those). Exit 0: holds, by the root given. 1: broken. 2: holds, by keys from the file; or no close."""
import base64, hashlib, json, re, subprocess, sys, tempfile, zipfile

b64 = lambda text: base64.b64decode(text, validate=True)
sha = lambda data: hashlib.sha256(data).digest()
node = lambda left, right: sha(b"\1" + left + right)

def need(holds, what):
    if not holds:
        raise ValueError(what)

def signed(note, vkey, kind=None):
    """Verifies a C2SP signed note by this very key; gives the lines of its text."""
    name, key_id, key = vkey.split("+", 2)
    text, _, signatures = note.decode().rpartition("\n\n")
    lines = [line.split(" ") for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    raw = [b64(line[2]) for line in lines if len(line) == 3]
    raw = [signature for signature in raw if signature[:4].hex() == key_id]
    need(raw and b64(key)[0] == 1, f"not signed by {name}")
    need(sha(name.encode() + b"\n" + b64(key))[:4].hex() == key_id, "key id")
    with tempfile.NamedTemporaryFile() as public, tempfile.NamedTemporaryFile() as signature, tempfile.NamedTemporaryFile() as message:
        for file, data in ((public, bytes.fromhex("302a300506032b6570032100") + b64(key)[1:]), (signature, raw[0][4:]), (message, text.encode() + b"\n")):
            file.write(data), file.flush()
        run = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", public.name, "-sigfile", signature.name, "-in", message.name]
        need(subprocess.run(run, capture_output=True).returncode == 0, f"signature of {name}")
    lines = text.split("\n")
    need(kind in (None, lines[0]), f"not a {kind}")
    return json.loads(lines[1]) if kind else lines

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

def receipt(files, name, note, log):
    """Checks that a note is in the tree of its proof's checkpoint; gives (size, root, checkpoint)."""
    head, _, checkpoint = files[name].decode().partition("\n\n")
    lines = head.split("\n")
    origin, size, root = checkpoint.split("\n")[:3]
    need(lines[0] == "c2sp.org/tlog-proof@v1" and re.fullmatch("index (0|[1-9][0-9]*)", lines[1]) and origin in log, "proof")
    index, size = int(lines[1][6:]), int(size)
    need(index < size, "index"), checked.get(checkpoint) or checked.setdefault(checkpoint, signed(checkpoint.encode(), log[origin]))
    need(root_of(sha(b"\0" + note), index, size - 1, [b64(line) for line in lines[2:]])[0] == b64(root), "not in the tree")
    return size, b64(root), checkpoint

def verify(path, fingerprint=None):
    with zipfile.ZipFile(path) as bundle:
        need(bundle.testzip() is None and len(set(bundle.namelist())) == len(bundle.namelist()), "zip")
        files = {name: bundle.read(name) for name in bundle.namelist()}
    claimed = json.loads(files["statement"].split(b"\n")[1])["root"]
    statement = signed(files["statement"], claimed, "venia/statement@v1")
    found = base64.b32encode(sha(claimed.encode())).decode().rstrip("=").lower()
    need(fingerprint in (None, found), "another root")
    log = {relay["log"].split("+")[0]: relay["log"] for relay in statement["relays"]}
    keys = dict(line.split(" ") for line in files["participants"].decode().splitlines())
    need(keys and files["participants"].decode() == "".join(f"{s} {k}\n" for s, k in keys.items()), "participants")
    tips, joined, parts, close, common, n, arrived = {}, {}, {}, None, set(), 0, set()
    while (name := f"{n:06}") + ".event" in files:
        note = files[name + ".event"]
        strand = json.loads(note.split(b"\n")[1])["author"]
        event = signed(note, keys[strand], "venia/event@v1")
        count, leaf = tips.get(strand, (0, None))
        need((event["seq"], event["prev"]) == (count, leaf), f"{name}: chain of {strand}")
        need(all(of in tips for of in event["seen"]), f"{name}: seen")
        need(close is None or event["kind"] == "addendum", f"{name}: after the close")
        tips[strand] = (count + 1, base64.b64encode(sha(b"\0" + note)).decode())
        placed = receipt(files, name + ".tlog-proof", note, log)
        common.add(placed)
        quoted, origin = event["after"] and event["after"]["origin"], placed[2].split("\n")[0]
        need(quoted in (None, origin) or strand not in arrived, f"{name}: quotes another log again")
        arrived.update([strand] if quoted == origin else [])
        parts.update({part["commit"]: part for part in event["parts"]})
        if event["kind"] == "join":
            joined[event["strand"]] = event["key"]
        if event["kind"] == "close":
            close = event
            need({of: count for of, count in event["final"].items() if count} == {of: count for of, (count, _) in tips.items()}, f"{name}: final counts")
        n += 1
    need(n and sum(name.endswith(".event") for name in files) == n and len(common) == 1, "events")
    need(joined == {strand: key for strand, key in keys.items() if strand != "agent"}, "participants")
    for strand, key in joined.items():
        batch, start, proof = files[f"join.batch.{strand}"].partition(b"c2sp.org/tlog-proof@v1\n")
        common.add(receipt({"proof": start + proof}, "proof", batch, log))
        observed = signed(batch, log[json.loads(batch.split(b"\n")[1])["origin"]], "venia/batch@v1")["observed"]
        if f"members/{strand}" in files or strand.startswith("technician"):
            member = signed(files[f"members/{strand}"], statement["authority"], "venia/member@v1")
            need(member["key"] == key and member["not_after"] >= observed, f"members/{strand}")
    need(len(common) == 1, "one checkpoint")
    (size, root, _), = common
    origin, old_size, old_root = files["first.checkpoint"].decode().split("\n")[:3]
    signed(files["first.checkpoint"], log[origin])
    proof, old = [b64(line) for line in files["consistency"].decode().splitlines()], b64(old_root)
    position, last = int(old_size) - 1, size - 1
    while position & 1 and int(old_size) < size:
        position, last = position >> 1, last >> 1
    if int(old_size) == size:
        need(old == root and not proof, "consistency")
    else:
        first = old if position == 0 else proof.pop(0)
        need(root_of(first, position, last, proof, first) == (root, old), "consistency")
    for name in files:
        if name.startswith("parts/"):
            need(sha(files[name]).hex() == name[6:] and parts[name[6:]]["len"] == len(files[name]), name)
    return ("intact" if fingerprint else "self-consistent") if close else "unclosed"

checked = {}
if __name__ == "__main__":
    try:
        verdict = verify(*sys.argv[1:3])
    except Exception as error:
        sys.exit(f"broken: {error}")
    print(verdict)
    sys.exit(0 if verdict == "intact" else 2)
