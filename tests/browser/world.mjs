// A relay, technicians and people's programs as real processes around a real browser.
//
// Everything lies in one temporary folder and ends with the test, also when it fails. Every wait has an end.

import { spawn } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
/** The workspace. */
export const root = resolve(here, "../..");
const program = process.env.VENIA_TRY ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/venia-try");
/** The longest wait for anything, in milliseconds; a debug build on a busy machine needs a fraction of it. */
export const PATIENCE = 30_000;

/** Debian's browser, as it is started. */
export const BROWSER = {
  executablePath: process.env.VENIA_CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
};

/** Asks until the answer is something, or fails after a while. */
export async function until(what, ask, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, 25));
  }
}

const running = new Set();
process.on("exit", () => { for (const one of running) one.child.kill("SIGKILL"); });

/** One process: its lines, its log, its end. */
export class Running {
  constructor(name, args, env) {
    this.name = name;
    this.lines = [];
    this.errors = "";
    this.exit = null;
    // No display: the program must not open a browser of its own.
    const { DISPLAY, WAYLAND_DISPLAY, ...rest } = process.env;
    this.child = spawn(program, args, { env: { ...rest, VENIA_LOG: "warn", ...env }, stdio: ["pipe", "pipe", "pipe"] });
    running.add(this);
    let open = "";
    this.child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (open + text).split("\n");
      open = lines.pop();
      this.lines.push(...lines);
    });
    this.child.stderr.setEncoding("utf8").on("data", (text) => { this.errors += text; });
    // Whoever ended needs no more input.
    this.child.stdin.on("error", () => {});
    this.child.on("error", (error) => { this.errors += `ERROR ${error.message}`; this.exit = -1; running.delete(this); });
    this.child.on("close", (code, signal) => { this.exit = code ?? signal; running.delete(this); });
  }

  /** The first line for which `find` gives something, printed already or not. */
  async line(what, find, patience) {
    return until(`${this.name}: ${what}`, () => {
      for (const line of this.lines) {
        const found = find(line);
        if (found) return found;
      }
      if (this.exit !== null) throw new Error(`${this.name} ended before ${what}\n${this.account()}`);
      return null;
    }, patience).catch((error) => { throw new Error(`${error.message}\n${this.account()}`); });
  }

  say(text) { this.child.stdin.write(`${text}\n`); }

  /** Waits for its end. */
  async ended(patience) {
    await until(`the end of ${this.name}`, () => this.exit !== null, patience)
      .catch((error) => { throw new Error(`${error.message}\n${this.account()}`); });
    return this.exit;
  }

  async kill() {
    if (this.exit !== null) return;
    this.child.kill("SIGKILL");
    await this.ended();
  }

  account() { return `printed:\n${this.lines.join("\n")}\nlogged:\n${this.errors}`; }
}

/** A technician's program in a session. */
class Joined extends Running {
  /** Every object it printed. */
  get said() { return this.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)); }

  /** The first event of that name, once it comes. */
  event(name, patience) {
    return this.line(name, (line) => {
      const said = line.startsWith("{") && JSON.parse(line);
      return said && said.event === name ? said : null;
    }, patience);
  }

  /** Waits until standard error says it. */
  told(text, patience) {
    return until(`${this.name} to be told “${text}”`, () => this.errors.replace(/\s+/g, " ").includes(text), patience)
      .catch((error) => { throw new Error(`${error.message}\n${this.account()}`); });
  }
}

/** A member with a folder of their own, whose programs have pages. */
class Member {
  constructor(world, data) { Object.assign(this, { world, data }); }

  /** Starts the program that shows this member's page. */
  async page(...command) {
    const program = this.world.start(Running, "console", this.data, command);
    return addressed(program);
  }
}

/** A technician. */
class Technician extends Member {
  /** Starts the technician's page. */
  opens() { return this.page("open"); }

  /** Joins with a code and runs these items. */
  join(code, { reason = "To see why it is slow.", run = ["system.overview"], goal, interactive = false, json = true } = {}) {
    const args = ["join", code, "--reason", reason];
    // States (waiting, paused, refused) are told to people alone; results to scripts.
    if (json) args.push("--json");
    if (!interactive) {
      for (const item of run) args.push("--run", item);
      if (goal) args.push("--goal", goal);
      args.push("--outcome", "The disk was full.", "--next", "Buy a bigger one.");
    }
    return this.world.start(Joined, "console", this.data, args);
  }

  /** Fails unless that record, verified, is intact and has at least so many entries. */
  async holds(file, entries) {
    const root = this.world.address.split("#")[1];
    const { exit, lines, errors } = await this.world.run("console", this.data, ["verify", file, "--root", root, "--json"]);
    const said = exit === 0 ? JSON.parse(lines.join("")) : {};
    if (said.verdict !== "intact" || said.entries < entries) throw new Error(`${file}: ${lines.join("\n")}\n${errors}`);
  }
}

/** An auditor. */
class Auditor extends Member {
  /** Starts the auditor's page. */
  opens() { return this.page("audit", "open"); }
}

/** Waits until a program has said where its page is. */
async function addressed(program) {
  program.launch = await program.line("the page", (line) => line.startsWith("page: ") && line.slice(6));
  program.origin = new URL(program.launch).origin;
  return program;
}

/** Everything one file of tests uses. */
export class World {
  static async start() {
    const world = new World();
    world.all = [];
    world.contexts = new Set();
    world.count = 0;
    // Whoever can't begin leaves nothing behind that runs.
    return world.begin().catch(async (error) => {
      await world.end().catch(() => {});
      throw error;
    });
  }

  async begin() {
    this.folder = await mkdtemp(join(tmpdir(), "venia-browser-"));
    this.relayData = join(this.folder, "relay");
    this.relay = this.start(Running, "relay", this.relayData, ["serve", "--listen", "127.0.0.1:0"]);
    this.address = await this.relay.line("the address", (line) => line.startsWith("address: ") && line.slice(9));
    await this.relay.line("ready", (line) => line === "ready");
    this.browser = await chromium.launch(BROWSER);
    return this;
  }

  /** Starts a role. */
  start(Kind, role, data, args, env = {}, lang = "en") {
    const one = new Kind(role, [role, ...args, "--data", data, "--lang", lang], env);
    this.all.push(one);
    return one;
  }

  /** Runs a role to its end. */
  async run(role, data, args, input = "") {
    const one = this.start(Running, role, data, args);
    if (input) one.say(input);
    one.child.stdin.end();
    const exit = await one.ended();
    return { exit, lines: one.lines, errors: one.errors };
  }

  /** A technician who isn't enrolled yet. */
  stranger() { return new Technician(this, join(this.folder, `console-${++this.count}`)); }

  /** An enrolled technician. */
  async technician(name = "Ana", level = 3) {
    const technician = this.stranger();
    await this.enroll(technician, "technician", name, level);
    return technician;
  }

  /** An enrolled auditor, for whom the sessions from now on are sealed. */
  async auditor(name = "Bo") {
    const auditor = new Auditor(this, join(this.folder, `console-${++this.count}`));
    await this.enroll(auditor, "auditor", name, 1);
    const key = await this.done("console", auditor.data, ["audit", "key", "--json"]);
    await this.done("relay", this.relayData, ["auditor-key", "add", JSON.parse(key).recipient]);
    return auditor;
  }

  async enroll(member, role, name, level) {
    const invite = ["invite", "--role", role, "--name", name, "--level", String(level), "--json"];
    const invited = JSON.parse(await this.done("relay", this.relayData, invite));
    await this.done("console", member.data, ["enroll", "-", "--json"], invited.invite);
  }

  /** Runs a role, which must end well; gives what it printed. */
  async done(role, data, args, input) {
    const { exit, lines, errors } = await this.run(role, data, args, input);
    if (exit !== 0) throw new Error(`${role} ${args.join(" ")}: ${errors}`);
    return lines.join("\n");
  }

  /** A person's program with its page; `known`: this computer met the service before. */
  async agent({ known = true, relay = this.address, data } = {}) {
    data ??= join(this.folder, `agent-${++this.count}`);
    if (known) {
      await mkdir(data, { recursive: true, mode: 0o700 });
      await writeFile(join(data, "roots"), `${this.address.split("#")[1]}\n`, { mode: 0o600 });
    }
    const agent = this.start(Running, "agent", data, ["ask", "--relay", relay, "--person", "page"]);
    agent.data = data;
    return addressed(agent);
  }

  /** A window of its own with its own cookies. */
  async context(options = {}) {
    const context = await this.browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(PATIENCE);
    context.setDefaultNavigationTimeout(PATIENCE);
    this.contexts.add(context);
    // What a page complains about is a fault of ours: a refused script or style, an exception.
    context.faults = [];
    context.on("weberror", (error) => context.faults.push(String(error.error())));
    context.on("console", (message) => {
      if (message.type() === "error" && /Content Security Policy|Uncaught/.test(message.text())) context.faults.push(message.text());
    });
    return context;
  }

  /** Ends what one test started: its windows, its people, its technicians. The relay stays. */
  async clear() {
    const faults = [...this.contexts].flatMap((context) => context.faults);
    for (const context of this.contexts) await context.close();
    this.contexts.clear();
    for (const one of this.all) if (one !== this.relay) await one.kill();
    this.complain(faults);
  }

  /** Ends everything, whatever went wrong; tells that afterwards. */
  async end() {
    try {
      await this.clear();
    } finally {
      await this.browser?.close();
      for (const one of this.all) await one.kill();
      if (this.folder) await rm(this.folder, { recursive: true, force: true });
    }
    this.complain([]);
  }

  complain(faults) {
    for (const one of this.all) {
      const lines = one.errors.split("\n").filter((line) => /\bERROR\b|panicked/.test(line));
      faults.push(...lines.map((line) => `${one.name}: ${line}`));
    }
    this.all = this.all.filter((one) => one.exit === null);
    if (faults.length > 0) throw new Error(`something went wrong beside the test:\n${faults.join("\n")}`);
  }
}
