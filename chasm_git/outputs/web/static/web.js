// What the pages do beyond being read: search while typing, more when scrolling, the slider of versions, keys.
// Every piece comes from the server as HTML that is escaped there; nothing is made of texts here.
"use strict";

const by = (id) => document.getElementById(id);
const all = (what, inside = document) => [...inside.querySelectorAll(what)];

/** A piece of a page; throws what the server's page says where it is none. */
async function piece(address, signal) {
  const answer = await fetch(address, { signal, credentials: "same-origin" });
  const text = await answer.text();
  if (!answer.ok) {
    const said = new DOMParser().parseFromString(text, "text/html").querySelector("main p");
    throw new Error(said ? said.textContent : `the server answered ${answer.status}`);
  }
  return { text, making: answer.headers.get("X-Making") };
}

function parsed(text) {
  const holder = document.createElement("template");
  holder.innerHTML = text;
  localTimes(holder.content);
  return holder.content;
}

function complain(place, error) {
  if (error.name === "AbortError") return;
  const said = document.createElement("p");
  said.className = "error";
  said.textContent = error instanceof TypeError ? "chasm web does not answer; was it ended?" : error.message;
  place.replaceChildren(said);
}

// times, as this machine writes them

const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localTimes(inside) {
  for (const time of all("time", inside)) {
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    time.title = time.textContent;
    time.textContent = times.format(moment);
  }
}

// light and dark; a cookie, for the port (and with it the page's storage) is another one each time

function shownTheme() {
  return document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function otherTheme() {
  const next = shownTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  document.cookie = `chasm-theme=${next}; Path=/; Max-Age=31536000; SameSite=Strict`;
}

// search as you type

function searching() {
  const form = by("search"), results = by("results"), input = by("q");
  let underWay = null, waiting = 0, shown = asAddress("/");

  function asAddress(path) {
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    return given.length ? `${path}?${new URLSearchParams(given)}` : path;
  }

  async function search() {
    clearTimeout(waiting);
    if (underWay) underWay.abort();
    underWay = new AbortController();
    const address = asAddress("/");
    try {
      const found = await piece(asAddress("/search"), underWay.signal);
      results.replaceChildren(parsed(found.text));
      results.dataset.for = input.value;
      if (address !== shown) history.replaceState(null, "", address);
      shown = address;
      sessionStorage.setItem("list", address);
      moreRows();
      if (found.making) waiting = setTimeout(search, 1000);
    } catch (error) {
      complain(results, error);
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 60);
  });
  form.addEventListener("change", (event) => event.target !== input && search());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  sessionStorage.setItem("list", shown);
  if (results.querySelector(".making")) waiting = setTimeout(search, 1000);
  moreRows();
}

/** The list of sessions goes on when its end comes near. */
function moreRows() {
  const end = document.querySelector("li.more");
  if (!end) return;
  whenNear(end, async () => {
    const address = new URL(end.querySelector("a").href);
    const next = await piece(`/search${address.search}`);
    end.replaceWith(parsed(next.text));
    moreRows();
  });
}

function whenNear(end, act) {
  const watcher = new IntersectionObserver(async (seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watcher.disconnect();
    try {
      await act();
    } catch (error) {
      complain(end, error);
    }
  }, { rootMargin: "1200px" });
  watcher.observe(end);
}

// a session

const COUNT = 120;

function messagesAt(start, count, more = "") {
  const { src } = by("messages").dataset;
  return `${src}&from=${start}&count=${count}${more}`;
}

/** Messages below are fetched when they come near, those above when asked for. */
function moreMessages() {
  goOn();
  by("earlier")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const held = by("messages"), first = Number(held.dataset.first), start = Math.max(1, first - COUNT);
    try {
      const got = await piece(messagesAt(start, first - start));
      const marked = by("list").firstElementChild, before = marked.getBoundingClientRect().top;
      by("list").prepend(parsed(got.text));
      held.dataset.first = start;
      if (start === 1) by("earlier").remove();
      scrollBy(0, marked.getBoundingClientRect().top - before);
    } catch (error) {
      complain(by("earlier"), error);
    }
  });
}

function goOn() {
  const held = by("messages"), later = by("later");
  if (!later) return;
  whenNear(later, async () => {
    const next = Number(held.dataset.last) + 1;
    const got = await piece(messagesAt(next, COUNT));
    if (held !== by("messages")) return;
    by("list").append(parsed(got.text));
    held.dataset.last = Math.min(next + COUNT - 1, Number(held.dataset.total));
    if (held.dataset.last === held.dataset.total) later.remove();
    else goOn();
  });
}

/** Show another list of messages in the place of the one that is there. */
async function replaceMessages(address, signal) {
  const got = await piece(address, signal);
  by("messages").replaceWith(parsed(got.text));
  moreMessages();
}

async function toAnchor() {
  const asked = /^#m(\d+)$/.exec(location.hash);
  const held = by("messages");
  if (!asked || !held) return;
  const number = Number(asked[1]);
  if (number > Number(held.dataset.total)) return;
  if (number < Number(held.dataset.first) || number > Number(held.dataset.last)) {
    await replaceMessages(messagesAt(Math.max(1, number - 5), COUNT, "&list=1"));
  }
  choose(by(`m${number}`));
}

async function session() {
  moreMessages();
  const { wanted } = by("messages").dataset;
  if (wanted) choose(by(`m${wanted}`));
  else toAnchor();
  addEventListener("hashchange", toAnchor);
  const versions = by("versions");
  try {
    const got = await piece(versions.dataset.src);
    versions.replaceChildren(parsed(got.text));
    if (by("slide")) slider(versions);
  } catch (error) {
    complain(versions, error);
  }
}

/** Moving the slider shows the session as it was; what a version has and the one before it lacks is marked. */
function slider(versions) {
  const slide = by("slide"), said = versions.querySelector("output"), compare = versions.querySelector("a.compare");
  const listed = all("ol.versions li", versions);
  const last = listed.length - 1;
  let underWay = null, waiting = 0;

  function tell() {
    const chosen = listed[slide.value];
    for (const one of listed) one.classList.toggle("chosen", one === chosen);
    const latest = Number(slide.value) === last ? ", the latest" : "";
    const when = chosen.querySelector("time").textContent, what = chosen.querySelector("span").textContent;
    said.textContent = `${Number(slide.value) + 1} of ${listed.length}${latest} · ${when} · ${what}`;
    document.body.classList.toggle("past", Number(slide.value) !== last);
    if (compare) {
      const place = new URL(compare.href);
      place.searchParams.set("old", listed[Math.max(0, slide.value - 1)].dataset.commit);
      place.searchParams.set("new", chosen.dataset.commit);
      compare.href = place;
    }
  }

  async function show() {
    if (underWay) underWay.abort();
    underWay = new AbortController();
    const held = by("messages"), place = new URL(held.dataset.src, location.href);
    const commit = listed[slide.value].dataset.commit, page = new URL(location.href);
    if (Number(slide.value) === last) {
      place.searchParams.delete("at");
      page.searchParams.delete("at");
    } else {
      place.searchParams.set("at", commit);
      page.searchParams.set("at", commit);
    }
    const before = new Set(all("article > header > a", held).map((one) => one.title));
    const shown = Number(held.dataset.last);
    try {
      await replaceMessages(`${place}&list=1&from=${held.dataset.first}&count=${COUNT}`, underWay.signal);
      history.replaceState(null, "", page);
      for (const one of all("#list > article")) {
        const number = Number(one.id.slice(1)), name = one.querySelector(":scope > header > a").title;
        one.classList.toggle("fresh", before.size > 0 && !before.has(name) && number <= shown + COUNT);
      }
    } catch (error) {
      complain(by("list"), error);
    }
  }

  slide.addEventListener("input", () => {
    tell();
    clearTimeout(waiting);
    waiting = setTimeout(show, 80);
  });
  tell();
}

// keys: j and k go through what a page lists

function items() {
  return all("#results ol.sessions > li:not(.more, .further), #list > article, div.change");
}

function choose(item, focus = true) {
  if (!item) return;
  for (const one of all(".chosen-item")) one.classList.remove("chosen-item");
  item.classList.add("chosen-item");
  const link = item.querySelector("a.title, :scope > header > a");
  if (link && focus) link.focus({ preventScroll: true });
  item.scrollIntoView({ block: item.offsetHeight > innerHeight * 0.7 ? "start" : "nearest" });
}

function step(by_) {
  const listed = items();
  const at = listed.findIndex((one) => one.classList.contains("chosen-item"));
  const seen = listed.findIndex((one) => one.getBoundingClientRect().bottom > 60);
  choose(listed[at < 0 ? Math.max(0, seen) : Math.min(listed.length - 1, Math.max(0, at + by_))]);
}

function foldAll() {
  const listed = all("#list details, .change details");
  const open = listed.some((one) => !one.open);
  for (const one of listed) one.open = open;
}

const KEYS = {
  "/": () => (by("q") ? (by("q").focus(), by("q").select()) : (location.href = "/")),
  "?": () => (by("help").open ? by("help").close() : by("help").showModal()),
  j: () => step(1),
  k: () => step(-1),
  o: foldAll,
  t: otherTheme,
  u: () => (location.href = sessionStorage.getItem("list") || "/"),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (event.key === "Escape") {
    if (target.id === "q" && target.value) {
      target.value = "";
      target.dispatchEvent(new Event("input"));
    } else if (document.activeElement) document.activeElement.blur();
    return;
  }
  if (target.id === "q" && (event.key === "ArrowDown" || (event.key === "Enter" && target.value === by("results").dataset.for))) {
    event.preventDefault();
    choose(items()[0]);
    return;
  }
  if (target.matches("input:not([type=range]), select, textarea") || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

by("theme")?.addEventListener("click", otherTheme);
by("keys")?.addEventListener("click", KEYS["?"]);
localTimes(document);
for (const form of all("form[data-submit]")) form.addEventListener("change", () => form.requestSubmit());
if (by("search")) searching();
if (by("messages")) session();
if (document.querySelector("[data-again]")) setTimeout(() => location.reload(), 1500);
