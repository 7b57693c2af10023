// Asks a route that only reads and shows what it answers: its words, or of a file what it is.
const LONGEST = 20_000; // characters

/** Make FORM ask its route in place. */
export function ready(form) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const shown = form.querySelector("output");
    shown.textContent = "…";
    try { shown.replaceChildren(...await asked(address(form))); } catch { shown.textContent = "The service does not answer."; }
  });
}

// The address with what is filled in: {id} in the path, the rest in the query.
function address(form) {
  let path = form.getAttribute("action");
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, value.split("/").map(encodeURIComponent).join("/"));
    else if (value.trim()) query.append(name, value.trim());
  }
  return path + (query.size ? `?${query}` : "");
}

async function asked(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  const kind = answer.headers.get("Content-Type") ?? "", head = document.createElement("p");
  head.textContent = `GET ${path}: ${answer.status} ${kind}`;
  const body = document.createElement("pre");
  body.className = "log";
  body.tabIndex = 0;
  if (/json|^text\//.test(kind)) body.textContent = worded(await answer.text(), kind).slice(0, LONGEST);
  else {
    body.textContent = `${answer.headers.get("Content-Length") ?? "some"} bytes`;
    await answer.body?.cancel();
  }
  return [head, body];
}

const worded = (text, kind) => kind.includes("json") ? JSON.stringify(JSON.parse(text), null, 1) : text;
