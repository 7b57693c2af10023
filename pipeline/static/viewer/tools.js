// Which control does what.
import { written } from "./link.js";
import { LOOKS } from "./looks.js";
import { button, check, choice, element, group, toggle } from "./panel.js";
import { stripes } from "./passes.js";

export function controls(view) {
  const { stage, looks, passes, section, measure, marks, facts } = view;
  const said = element("output", { className: "i3d-told", "aria-live": "polite" });
  const list = element("ul", { className: "i3d-found" });
  const look = choice("How the surface looks", LOOKS, looks.name, (name) => looks.show(name));
  const cut = cutting(view);
  const titles = { distance: "Length between two points", thickness: "Length through the body, square to the surface", angle: "Angle at the second of three points" };
  const tools = Object.fromEntries(Object.entries(titles).map(([name, title]) => [name, toggle(name[0].toUpperCase() + name.slice(1), title, () => measure.use(name))]));
  const sized = toggle("Size", "A box around the whole", (on) => measure.sized(on));
  const clear = button("Clear", "Take all measures away", () => { sized.set(false); measure.box.visible = false; measure.clear(); });
  view.told = (hint, texts) => {
    said.textContent = hint;
    if (texts) list.replaceChildren(...texts.map((text) => element("li", {}, text)));
    for (const [name, one] of Object.entries(tools)) one.set(measure.tool === name);
  };
  view.standing = standing(view);
  const points = passes.list.length ? passing(view) : null;
  view.sync = () => { look.mark(looks.name); cut.sync(); points?.sync(); };
  const shown = [["holes", "Holes"], ["rescan", "Rescan here"], ["scanners", facts.photographs ? "Cameras" : "Scanners"]].filter(([name]) => marks.has(name));
  const bar = element("div", { className: "i3d-bar", role: "toolbar", "aria-label": "Viewer" }, look, cut,
    group("Measure", ...Object.values(tools), sized, clear),
    shown.length ? group("Marks", ...shown.map(([name, text]) => toggle(text, `Show: ${text}`, (on) => marks.show(name, on)))) : null,
    leaving(view, (text) => { said.textContent = text; }));
  return element("div", { className: "i3d-controls" }, bar, said, list, points, remarks(facts, measure.say));
}

function cutting(view) {
  const { section } = view;
  const slide = element("input", { type: "range", min: 0, max: 1, step: 0.002, value: section.share, disabled: true, "aria-label": "Where the section stands", oninput: () => view.cut(section.axis, Number(slide.value)) });
  const turn = button("Flip", "Show the other half", () => view.cut(section.axis, section.share, !section.turned));
  const axes = choice("Section", { "": "Whole", x: "Cut X", y: "Cut Y", z: "Cut Z" }, "", (axis) => { view.cut(axis); sync(); });
  const sync = () => { axes.mark(section.axis); slide.disabled = turn.disabled = !section.axis; slide.value = section.share; };
  axes.append(turn, slide);
  sync();
  return Object.assign(axes, { sync });
}

function passing({ passes, stage, model, facts }) {
  const surface = check("Surface", "", (on) => { model.visible = on; stage.draw(); });
  surface.input.checked = true;
  const rows = passes.list.map((one) => [one, check(one.fact.name ?? `pass ${one.number}`, one.fact.colour, (on) => passes.show(one.number, on), about(one.fact))]);
  const every = button("All", "Show the points of every pass", () => all(true)), none = button("None", "Hide all points", () => all(false));
  const all = (on) => { for (const one of passes.list) passes.show(one.number, on); sync(); };
  const scale = element("div", { className: "i3d-scale", hidden: true });
  const strip = element("i");
  strip.style.background = stripes();
  scale.append(element("span", {}, `${fine(passes.reach)} inside`), strip, element("span", {}, `${fine(passes.reach)} outside`));
  const warm = check("Deviation: how far each point lies from the surface", "", (on) => { passes.warm(on); if (on && !passes.shown().length) all(true); sync(); });
  const sync = () => { for (const [one, row] of rows) row.input.checked = one.cloud.visible; warm.input.checked = passes.heat; scale.hidden = !passes.heat; };
  const box = element("fieldset", { className: "i3d-passes" }, element("legend", {}, facts.photographs ? "Photographs, as points" : "Passes, as points"), group("Passes", surface, every, none), passes.measured ? warm : null, scale, element("div", { className: "i3d-rows" }, ...rows.map(([, row]) => row)));
  return Object.assign(box, { sync });
}

function about(fact) {
  const told = [];
  if (fact.deviation) told.push(`${fine(fact.deviation.mean)} on average, 95 % within ${fine(fact.deviation.p95)}`);
  if (fact.ways > 1) told.push(`ambiguous: fits in ${fact.ways} places`);
  if (fact.warning) told.push(fact.warning);
  return told.join(" · ");
}

// Deviations are small beside the object: three digits of their own.
const fine = (metres) => `${Number((metres * 1000).toPrecision(3))} mm`;

function leaving(view, tell) {
  const { root, stage } = view;
  const fill = toggle("Full screen", "Fill the screen; Escape ends it", async (on) => {
    if (!on) return document.fullscreenElement ? document.exitFullscreen() : end();
    stage.whole(true);
    root.toggleAttribute("data-filling", true);
    try { await root.requestFullscreen(); } catch { /* the window is filled instead */ }
  });
  const end = () => { stage.whole(false); root.removeAttribute("data-filling"); fill.set(false); };
  document.addEventListener("fullscreenchange", () => document.fullscreenElement || end());
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && root.hasAttribute("data-filling") && !document.fullscreenElement) end(); });
  const still = button("PNG", "Save this view as a picture", async () => {
    const link = element("a", { href: URL.createObjectURL(await stage.still()), download: `${document.title.replace(/[^\p{L}\p{N}]+/gu, "-")}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
  const share = button("Link", "An address that opens this view", async () => {
    const address = location.href.replace(/#.*/, "") + written(view);
    try { history.replaceState(null, "", address); } catch { location.hash = written(view); }
    try { await navigator.clipboard.writeText(address); tell("The link to this view is copied; it stands in the address line too."); }
    catch { tell("The link to this view stands in the address line."); }
  });
  return group("View", view.standing, button("Reset", "The view from the beginning (0)", () => stage.reset()), fill, still, share);
}

const AXES = { y: "Y up", "-y": "−Y up", z: "Z up", "-z": "−Z up", x: "X up", "-x": "−X up" };

// Which axis of the model is up: only the view is turned. The page, which can turn the model, is told.
function standing({ box, stage }) {
  const axes = Object.entries(AXES).map(([value, text]) => element("option", { value }, text));
  const list = element("select", { "aria-label": "Which axis is up", title: "Stand the model another way up", onchange: () => set(list.value) }, ...axes);
  const set = (name) => {
    list.value = name in AXES ? name : "y";
    const side = list.value.startsWith("-") ? -1 : 1, axis = list.value.at(-1);
    stage.upright(stage.centre.clone().set(side * (axis === "x"), side * (axis === "y"), side * (axis === "z")));
    box.dispatchEvent(new CustomEvent("i3d-up", { bubbles: true, detail: list.value }));
  };
  return Object.assign(list, { set });
}

function remarks(facts, say) {
  const lines = [];
  if (facts.scale) lines.push(facts.scale);
  if (facts.thinned) lines.push(`Shown with ${facts.thinned.faces.toLocaleString("en")} of ${facts.thinned.of.toLocaleString("en")} triangles: places may lie up to ${say(facts.thinned.strays)} from model.glb.`);
  const loose = facts.passes.filter((pass) => !pass.placed).map((pass) => pass.name);
  if (loose.length) lines.push(`Without a place, so not shown: ${loose.slice(0, 5).join(", ")}${loose.length > 5 ? " …" : ""}.`);
  return lines.length ? element("p", { className: "i3d-remarks" }, lines.join(" ")) : null;
}
