// Makes the server's pages live: one EventSource, the main part fetched again when something changed, files dropped and sent with progress.
import { dropped, send } from "./upload.js";

const body = document.body;
const main = document.getElementById("main");
const csrf = document.querySelector("meta[name=csrf]").content;
const live = body.dataset.live;

// -- the model viewer: ours, from this host only ---------------------------------------------------------------------------
function viewers() {
  for (const box of main.querySelectorAll(".viewer:not([data-state])")) {
    import("./viewer/viewer.js").then(({ mount }) => mount(box)).then(() => {
      const pair = [...main.querySelectorAll(".pair .viewer[data-state=shown]")].map((shown) => shown.viewer);
      if (pair.length === 2) together(pair);
    }, () => {
      box.dataset.state = "failed";
      say("The model viewer is not installed here (inbox3d viewer fetches it); the download works.");
    });
  }
}

// Which axis is up is chosen in the viewer or in the form that turns the model: each shows what the other says.
document.addEventListener("i3d-up", (event) => {
  const list = main.querySelector(".turned select[name=up]");
  if ([...(list?.options ?? [])].some(({ value }) => value === event.detail)) list.value = event.detail;
});
document.addEventListener("change", (event) => event.target.matches(".turned select[name=up]") && main.querySelector(".viewer").viewer?.standing.set(event.target.value));

// Two models side by side are turned together.
function together([one, other]) {
  for (const [here, there] of [[one, other], [other, one]]) {
    here.stage.moved = () => {
      if (together.busy) return;
      together.busy = true;
      const scale = there.stage.radius / here.stage.radius, from = here.stage.camera.position.clone().sub(here.stage.centre);
      const aim = here.stage.controls.target.clone().sub(here.stage.centre).multiplyScalar(scale).add(there.stage.centre);
      there.stage.look(from.multiplyScalar(scale).add(there.stage.centre), aim);
      together.busy = false;
    };
  }
}

// -- words -----------------------------------------------------------------------------------------------------------------
function say(text) {
  const box = document.getElementById("said");
  box.textContent = text;
  box.classList.toggle("shown", Boolean(text));
  clearTimeout(say.timer);
  say.timer = setTimeout(() => box.classList.remove("shown"), 6000);
}

// -- what changed ----------------------------------------------------------------------------------------------------------
function update(job) {
  const box = main.querySelector(`[data-job="${CSS.escape(job.job_id)}"]`);
  if (!box || box.dataset.state !== job.state || !box.querySelector("progress")) return refresh();
  box.querySelector("progress").value = job.progress;
  const fields = { message: job.message, eta: job.left ?? "", percent: `${Math.floor(100 * job.progress + 1e-6)}%` };
  for (const [name, text] of Object.entries(fields)) {
    const field = box.querySelector(`[data-field=${name}]`);
    if (field) field.textContent = text;
  }
}

let due = null, fetching = false;
function refresh() {
  if (due === null) due = setTimeout(load, 250);
}

// What is put anew between the press of a button and its release takes the click away: it waits until nothing is held.
const held = () => main.matches(":active");

async function load() {
  due = null;
  if (fetching || held()) return refresh();
  fetching = true;
  try {
    const url = new URL(location.href);
    url.searchParams.set("part", "1");
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    if (answer.status === 404 || answer.status === 401) return location.reload();
    if (!answer.ok) return;
    const text = await answer.text();
    if (held()) refresh(); else place(text);
  } catch { /* the link shows it */ } finally { fetching = false; }
}

function place(text) {
  const fresh = new DOMParser().parseFromString(`<main>${text}</main>`, "text/html").querySelector("main");
  // What a person may be busy with is left as it is: forms half filled in, with the caret where it was, a model being turned.
  const busy = document.activeElement, caret = [busy?.selectionStart, busy?.selectionEnd];
  const twins = [...fresh.querySelectorAll("[data-keep]")];
  for (const kept of main.querySelectorAll("[data-keep]")) {
    const at = twins.findIndex((other) => other.className === kept.className);
    if (at >= 0) twins.splice(at, 1)[0].replaceWith(kept);
  }
  for (const open of main.querySelectorAll("details[open]")) { // what was unfolded stays so
    const twin = [...fresh.querySelectorAll("details")].find((other) => other.firstElementChild.textContent === open.firstElementChild.textContent);
    if (twin) twin.open = true;
  }
  main.replaceChildren(...fresh.childNodes);
  const again = busy?.isConnected ? busy : busy?.id ? document.getElementById(busy.id) : null;
  again?.focus({ preventScroll: true });
  if (again && again === busy && Number.isInteger(caret[0])) again.setSelectionRange(...caret);
  dress();
}

function linkState(state) {
  const link = document.getElementById("link");
  link.hidden = false;
  link.className = `link-state ${state}`;
  link.querySelector("span").textContent = { on: "live", slow: "every 5 s", off: "no answer" }[state];
}

let last = body.dataset.mark;
function follow() {
  const source = new EventSource(`${live}?last_event_id=${encodeURIComponent(last)}`);
  let opened = false;
  source.onopen = () => { opened = true; linkState("on"); };
  source.onerror = () => {
    linkState("off");
    if (source.readyState === EventSource.CLOSED || !opened) {
      source.close();
      if (main.querySelector('[data-state="completed"],[data-state="failed"]') && live.includes("/jobs/")) return linkState("on");
      linkState("slow");
      setTimeout(() => { load(); follow(); }, 5000);
    }
  };
  source.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    last = event.lastEventId;
    update(job);
    if (live.includes("/jobs/") && (job.state === "completed" || job.state === "failed")) source.close();
  });
  for (const what of ["gone", "overview", "reset"]) source.addEventListener(what, refresh);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}
if (live) follow();

// -- the API's page: routes that only read are tried in place ---------------------------------------------------------------
const rules = [...main.querySelectorAll("form.try")];
if (rules.length) import("./try.js").then(({ ready }) => rules.forEach(ready));

// -- forms -----------------------------------------------------------------------------------------------------------------
function dress() {
  viewers();
  for (const picture of main.querySelectorAll(".shot img")) {
    picture.decode().catch(() => picture.remove()); // whether it fails from now on, or has failed already
  }
}
dress();

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return event.preventDefault();
  if (form.id === "upload") {
    event.preventDefault();
    return picked(form).length ? sendAll(picked(form)) : say("Choose files or a folder first, or drop them here.");
  }
  const act = form.matches(".act, .prompt");
  if (!act || form.action.includes("/delete/")) return;
  event.preventDefault();
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { Accept: "application/json", "X-CSRF-Token": csrf } });
    if (!answer.ok) say((await answer.json()).detail ?? "It did not work.");
    else if (form.matches(".prompt")) { form.reset(); say("Sent. It appears below."); }
    else if (answer.redirected && new URL(answer.url).pathname !== location.pathname && live.includes("/jobs/")) location.assign(answer.url);
    refresh();
  } catch { say("The service does not answer."); } finally { form.querySelector("button").disabled = false; }
});

// -- dropping files --------------------------------------------------------------------------------------------------------
async function sendAll(found) {
  const form = document.getElementById("upload"), fields = {};
  for (const one of form.elements) if (one.name && one.type !== "file" && one.name !== "csrf") fields[one.name] = one.value.trim();
  try {
    send(await found, fields, { token: csrf, prefix: body.dataset.prefix, say, sent: refresh });
    form.reset();
    chosen();
  } catch { say("The browser could not read what was dropped. Choose it instead."); }
}

// What was chosen: loose files by their names, a folder by the paths inside it.
const picked = (form) => ["files", "folder"].flatMap((name) => [...form.elements[name].files]).map((file) => [file, file.webkitRelativePath || file.name]);

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, async (event) => {
    const zone = document.getElementById("zone");
    if (!zone || ![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    zone.classList.toggle("over", name === "dragover" || name === "dragenter");
    if (name === "drop") sendAll(dropped(event.dataTransfer));
  });
}

function chosen() {
  const form = document.getElementById("upload"), count = picked(form).length;
  document.querySelector("#zone label b").textContent = count ? `${count} ${count === 1 ? "file" : "files"} chosen` : "Drop files or folders here";
}
document.addEventListener("change", (event) => event.target.matches("#files, #folder") && chosen());
