// Saves waiting, and arms what mustn't be pressed by accident. Everything works without it. It keeps nothing and calls
// nobody but the page's own address.
"use strict";
(() => {
  const ARM = 800; // The server counts too: this only shows it.
  const root = document.documentElement;
  const view = root.dataset.view;
  // How many changes there had been when what stands here was made.
  let seen = Number(root.dataset.seen);

  // Buttons that give something away wake up a moment after they, or what they are about, came into view.
  const arm = (within) => {
    for (const button of within.querySelectorAll("button[data-arm]")) {
      button.setAttribute("aria-disabled", "true");
      clearTimeout(button.arming);
      button.arming = setTimeout(() => button.removeAttribute("aria-disabled"), ARM);
    }
  };
  const asleep = (target) => target.closest && target.closest("button[aria-disabled]");
  addEventListener("click", (event) => asleep(event.target) && event.preventDefault(), true);
  // A click that brought the window to the front was not meant for what lay under it.
  addEventListener("focus", () => arm(document));
  // Enter is pressed for many things; giving something away takes the space bar or a click.
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest && event.target.closest("button[data-arm]")) event.preventDefault();
  });

  // What somebody typed or chose stays theirs when what is around it changes. Boxes aren't kept: which of them are ticked
  // is part of the question.
  const typed = (within) => [...within.querySelectorAll("textarea[id],input[type=text][id]")].map((one) => [one.id, one.value]);
  const chosen = (within) => [...within.querySelectorAll("input[type=radio]:checked")].map((one) => [one.name, one.value]);
  const keep = (texts, choices, within) => {
    for (const [id, text] of texts) {
      const one = within.querySelector("#" + id);
      if (one && text) one.value = text;
    }
    for (const [name, value] of choices) {
      for (const one of within.querySelectorAll("input[type=radio]")) if (one.name === name && one.value === value) one.checked = true;
    }
  };
  const named = (one) => one.id || one.name + "=" + one.value;
  // Puts something newer in the place of something older. Whoever was in it with the keyboard is there again afterwards, or
  // where it was, never at the top of the page; and never on what gives something away: that would be another question.
  const replace = (old, newer, choices) => {
    const focused = old.contains(document.activeElement) && document.activeElement !== document.body ? document.activeElement : null;
    const texts = typed(old);
    const open = new Set([...old.querySelectorAll("details[id][open]")].map((one) => one.id));
    old.replaceWith(document.adoptNode(newer));
    keep(texts, choices, newer);
    for (const one of newer.querySelectorAll("[data-scripted]")) one.hidden = false;
    for (const one of newer.querySelectorAll("details[id]")) if (open.has(one.id)) one.open = true;
    if (focused) {
      const again = [...newer.querySelectorAll("button,input,select,textarea,a,summary")].find((one) => named(one) === named(focused) && one.dataset.arm === undefined);
      const place = focused.name === "to" ? document.querySelector("button[name=to]") : document.getElementById("main");
      (again || place).focus({ preventScroll: true });
    }
    arm(newer);
    count(newer);
  };

  // For ears: a new question, else the newest thing that happened. The place for it is never replaced: only then it is heard.
  let heard = null;
  const news = () => {
    const question = document.querySelector("#card h2"), line = document.querySelector("#news li");
    const all = [document.querySelector("#card .warn"), question && document.querySelector("h1"), question || line];
    return all.filter(Boolean).map((one) => one.textContent).join(". ");
  };
  const tell = () => {
    const now = news();
    if (now !== heard) document.getElementById("heard").textContent = now;
    heard = now;
  };

  // Takes the parts of a newer page that differ; what didn't change isn't touched.
  const take = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const ids = (page) => [...page.querySelectorAll("[data-part]")].map((part) => part.id).join();
    if (next.documentElement.dataset.here !== root.dataset.here || ids(document) !== ids(next)) return false;
    // Two answers may overtake each other: what is older than what stands here changes nothing.
    const made = Number(next.documentElement.dataset.seen);
    if (made < seen) return true;
    seen = made;
    const title = next.querySelector("title");
    if (title && document.title !== title.textContent) document.title = title.textContent;
    if (next.documentElement.lang !== root.lang) {
      root.lang = next.documentElement.lang;
      replace(document.body, next.body, chosen(document));
      heard = news();
      return true;
    }
    const heading = document.querySelector("h1"), newer = next.querySelector("h1");
    if (heading && newer && heading.textContent !== newer.textContent) heading.textContent = newer.textContent;
    for (const part of next.querySelectorAll("[data-part]")) {
      const old = document.getElementById(part.id);
      if (old.dataset.part !== part.dataset.part) replace(old, part, chosen(old).filter(([name]) => name === "stars"));
    }
    tell();
    return true;
  };
  const show = (text, url) => { if (!take(text)) location.assign(url); };
  let ear = null;
  const lost = () => { document.querySelector(".gone").hidden = false; };
  const gone = () => { if (ear) ear.abort(); lost(); };

  const look = async () => {
    const answer = await fetch(root.dataset.here, { headers: { accept: "text/html" }, signal: ear && ear.signal });
    // Somebody took our cookie away: what can't be looked at isn't before anybody's eyes.
    if (!answer.ok) return gone();
    if (!take(await answer.text())) location.reload();
  };

  // One stream while the page is visible: the number of each change, a line each. Hidden, the page isn't before anybody's
  // eyes.
  const listen = async () => {
    const own = (ear = new AbortController());
    try {
      const answer = await fetch("/events?view=" + view + "&seen=" + seen, { method: "POST", signal: own.signal });
      if (!answer.ok) return lost();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        if (Math.max(...lines.map(Number)) > seen) await look();
      }
      lost();
    } catch (error) {
      if (own === ear && !own.signal.aborted) lost();
    }
  };
  const eyes = () => {
    if (ear) ear.abort();
    ear = null;
    if (document.visibilityState === "visible" && view) listen();
  };
  document.addEventListener("visibilitychange", eyes);

  // Forms, without losing the place on the page.
  addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (form.dataset.plain !== undefined || !view) return;
    event.preventDefault();
    if (button && asleep(button)) return;
    const body = new URLSearchParams(new FormData(form, button));
    try {
      if (form.action.endsWith("/stop")) {
        // It needs no cookie, and none of another page's gets into its way.
        await fetch(form.action, { method: "POST", body, credentials: "omit", redirect: "manual" });
        return await look();
      }
      const answer = await fetch(form.action, { method: "POST", body });
      const type = answer.headers.get("content-type") || "";
      if (!type.startsWith("text/html")) return form.submit();
      if (answer.ok) for (const field of form.querySelectorAll("[data-once]")) field.value = "";
      show(await answer.text(), answer.redirected ? answer.url : root.dataset.here);
    } catch { lost(); }
  });
  addEventListener("change", (event) => {
    const button = event.target.form && event.target.form.querySelector("button[data-auto]");
    if (button && event.target.type === "checkbox") event.target.form.requestSubmit(button);
  });

  // Countdowns: the server says how long is left, this only counts.
  const clock = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  };
  const count = (within) => {
    for (const one of within.querySelectorAll("[data-left]")) one.until = Date.now() + Number(one.dataset.left);
  };
  setInterval(() => {
    for (const one of document.querySelectorAll("[data-left]")) one.textContent = clock(one.until - Date.now());
    for (const one of document.querySelectorAll("[data-at]")) one.textContent = clock(Date.now() - Number(one.dataset.at));
  }, 1000);

  // What somebody may be typing: the last letters of a field are asked for at `data-complete`, a word a line.
  addEventListener("input", async (event) => {
    const field = event.target, path = field.dataset && field.dataset.complete;
    const list = path && field.list;
    if (!list) return;
    const [, before, word] = /^(.*?)([a-z]*)$/i.exec(field.value);
    if (word.length < 2) return list.replaceChildren();
    try {
      const answer = await fetch(path + "?word=" + word);
      const found = answer.ok ? (await answer.text()).split("\n").filter(Boolean) : [];
      if (field.value !== before + word) return;
      list.replaceChildren(...found.map((one) => Object.assign(document.createElement("option"), { value: before + one })));
    } catch { list.replaceChildren(); }
  });

  // Keys of one letter, where the page names any: what they belong to is pressed, opened or focused. Never under somebody
  // who types.
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input,textarea,select")) return;
    const one = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (!one) return;
    event.preventDefault();
    if (one.tagName === "DETAILS") one.open = !one.open;
    (one.tagName === "DETAILS" ? one.querySelector("summary") : one).focus();
    if (one.tagName === "A") one.click();
  });
  for (const one of document.querySelectorAll("[data-scripted]")) one.hidden = false;

  addEventListener("beforeunload", () => { if (ear) ear.abort(); });
  arm(document);
  count(document);
  heard = news();
  eyes();
})();
