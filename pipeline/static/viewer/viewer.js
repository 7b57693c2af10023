// The model viewer of the pages and of report.html: mount(box) shows what box.dataset.model names, mount(box, bytes) a GLB in hand.
import { content } from "./content.js";
import { Layer } from "./layer.js";
import { read } from "./link.js";
import { Looks } from "./looks.js";
import { Marks } from "./marks.js";
import { Measure } from "./measure.js";
import { Passes } from "./passes.js";
import { Section } from "./section.js";
import { boxOf, Stage } from "./stage.js";
import { controls } from "./tools.js";
import { element } from "./panel.js";

export async function mount(box, bytes) {
  if (box.dataset.state) return box.viewer;
  box.dataset.state = "loading";
  try {
    const found = await content(bytes ?? (await fetched(box.dataset.model)));
    box.viewer = build(box, found);
    box.dataset.state = "shown";
  } catch (error) {
    box.dataset.state = "failed";
    box.querySelector(".i3d")?.remove();
    const why = supported() ? `The model cannot be shown here: ${error.message}` : "This browser has no WebGL, so the model cannot be turned here; its pictures and files are whole.";
    box.append(element("p", { className: "i3d-said" }, why));
  }
  return box.viewer;
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
  return answer.arrayBuffer();
}

function supported() {
  try { return Boolean(document.createElement("canvas").getContext("webgl2")); } catch { return false; }
}

function build(box, { model, meshes, points, facts }) {
  const root = element("div", { className: "i3d" }), seen = element("div", { className: "i3d-box" });
  root.append(seen);
  box.append(root);
  const stage = new Stage(seen), layer = new Layer(seen), bounds = boxOf(model);
  stage.scene.add(model);
  stage.frame(bounds, meshes);
  const looks = new Looks(stage, meshes), passes = new Passes(stage, points, facts), section = new Section(stage, meshes, bounds);
  const view = { box, root, stage, looks, passes, section, facts, model };
  view.measure = new Measure(stage, meshes, bounds, layer, (hint, texts) => view.told?.(hint, texts));
  view.marks = new Marks(stage, facts, view.measure.say, layer);
  view.cut = (...how) => {
    const planes = section.set(...how);
    looks.clip(planes);
    passes.clip(planes);
    view.measure.clipped = planes;
  };
  view.restore = (hash) => {
    const said = read(hash);
    if (said.look) looks.show(said.look);
    if (said.up !== view.standing.value) view.standing.set(said.up);
    for (const one of passes.list) passes.show(one.number, said.passes.includes(one.number));
    passes.warm(said.heat && passes.measured);
    view.cut(...(said.cut ?? [""]));
    if (said.from && said.to && said.from.distanceTo(said.to) > 0) stage.look(said.from, said.to);
    view.sync?.();
  };
  root.append(controls(view));
  if (location.hash.includes("look=")) view.restore(location.hash);
  addEventListener("hashchange", () => location.hash.includes("look=") && view.restore(location.hash));
  stage.now();
  view.ready = true;
  return view;
}

