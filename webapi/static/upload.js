// Sends what was dropped or chosen: every folder and every archive is a job of its own, loose files together are one. Each has its line:
// how far it is, cancel, and, where it failed, retry with the same files.
const rubbish = /(^|\/)(\.|~\$|(Thumbs\.db|desktop\.ini|@eaDir|@Recycle|@SynoResource|#recycle|#snapshot|__MACOSX|_gsdata_|lost\+found|\$RECYCLE\.BIN|System Volume Information)(\/|$))/i;
const archive = /\.(zip|7z|rar|tar|tgz|tar\.\w+)$/i;
const waiting = [];
let sending = null;

async function walk(entry, before = "") {
  if (entry.isFile) return [[await new Promise((done, fail) => entry.file(done, fail)), before + entry.name]];
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    for (const inner of some) found.push(...await walk(inner, `${before}${entry.name}/`));
  }
}

/** [[file, path]] of a drop. The entries must be taken before anything is awaited: the browser forgets them then. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files].map((file) => [file, file.name]);
  return (await Promise.all(entries.map((entry) => walk(entry)))).flat();
}

/** The jobs that FILES ([[file, path]]) become. */
export function jobs(files) {
  const found = new Map();
  for (const [file, path] of files) {
    if (rubbish.test(path)) continue;
    const top = path.split("/")[0], own = path.includes("/") || archive.test(path);
    const key = own ? top : "";
    if (!found.has(key)) found.set(key, { name: own ? top : "", files: [] });
    found.get(key).files.push([file, path]);
  }
  for (const job of found.values()) job.name ||= job.files.length === 1 ? job.files[0][1] : `${job.files.length} files`;
  return [...found.values()];
}

const busy = (event) => event.preventDefault();
const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const size = (count) => count < 1e6 ? `${Math.ceil(count / 1e3)} kB` : count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(1)} GB`;

/** Queue FILES for sending with FIELDS. TOKEN is the page's own, PREFIX its folder. */
export function send(files, fields, { token, prefix, say, sent }) {
  const found = jobs(files);
  if (!found.length) return say("There is nothing in it that can be sent.");
  if (found.length > 1 && fields.name) say(`They become ${found.length} jobs, so each keeps its own name.`);
  for (const job of found) {
    const own = { ...fields, name: found.length > 1 ? "" : fields.name };
    waiting.push(line({ ...job, fields: own, token, prefix, sent, key: key() }));
  }
  next();
}

function line(job) {
  const box = document.createElement("li");
  box.className = "upload-line";
  box.innerHTML = '<strong></strong><span class="words" role="status"></span><button type="button" class="quiet"></button><progress max="1" value="0"></progress>';
  const [name, words, button, bar] = box.children;
  name.textContent = job.fields.name || job.name;
  bar.setAttribute("aria-label", `sent of ${name.textContent}`);
  const total = job.files.reduce((sum, [file]) => sum + file.size, 0);
  job.about = `${job.files.length} ${job.files.length === 1 ? "file" : "files"}, ${size(total)}`;
  job.show = (text, label, act, moving = false) => {
    words.replaceChildren(text);
    button.hidden = !label;
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${name.textContent}`);
    button.onclick = act;
    bar.hidden = !moving;
    box.classList.toggle("bad", label === "Retry");
  };
  job.move = (share) => { bar.value = share; };
  job.drop = () => box.remove();
  job.wait = () => job.show(`${job.about}, waits`, "Cancel", () => { waiting.splice(waiting.indexOf(job), 1); job.drop(); });
  job.wait();
  document.getElementById("sending").append(box);
  return job;
}

function next() {
  if (sending || !waiting.length) return;
  sending = waiting.shift();
  addEventListener("beforeunload", busy);
  post(sending, (again) => {
    sending = null;
    if (!waiting.length) removeEventListener("beforeunload", busy);
    again?.();
    next();
  });
}

function post(job, over) {
  const data = new FormData(), request = new XMLHttpRequest();
  for (const [name, value] of Object.entries(job.fields)) if (value) data.append(name, value);
  for (const [file, path] of job.files) data.append("files", file, path);
  request.open("POST", "/3d/from-scan");
  request.setRequestHeader("X-CSRF-Token", job.token);
  request.setRequestHeader("Idempotency-Key", job.key); // an answer that was lost on the way makes no second job
  request.responseType = "json";
  request.upload.onprogress = (event) => {
    job.move(event.loaded / event.total);
    job.show(`${job.about}, ${Math.floor(100 * event.loaded / event.total)}% sent`, "Cancel", () => request.abort(), true);
  };
  request.onabort = () => job.drop();
  request.onloadend = () => {
    if (request.status === 202) done(job, request.response);
    else if (request.status || request.readyState === 4) failed(job, request);
    over();
  };
  job.show(`${job.about}, begins`, "Cancel", () => request.abort(), true);
  request.send(data);
}

function done(job, answer) {
  const said = document.createElement("span"), link = document.createElement("a");
  link.href = `${job.prefix}/jobs/${answer.job_id}`;
  link.textContent = "Sent";
  said.append(link, ...[answer.waits_for, answer.made_without].filter(Boolean).map((why) => ` · ${why}`));
  job.show(said, "Hide", job.drop);
  job.sent();
}

function failed(job, request) {
  const why = request.response ? `${request.response.detail} ${request.response.remedy}` : "The service did not answer, or a file changed or went away while it was read.";
  job.show(why, "Retry", () => { job.wait(); waiting.push(job); next(); });
}
