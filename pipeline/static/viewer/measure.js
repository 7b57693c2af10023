// Lengths between two points, through the body, angles at the second of three, and the size of the whole; drawn over the model.
import { Box3Helper, Raycaster, Vector2, Vector3 } from "../vendor/three.module.min.js";
import { facing } from "./content.js";

const NEEDS = { distance: 2, thickness: 1, angle: 3 };
const SNAP = 9, LARGE = 60, STILL = 5; // pixels: how near a corner of a face this large catches a click, how far a click may move

// Lengths in one unit for the whole object, to four digits of its longest side.
export function lengths(longest) {
  const [unit, metre] = longest < 1 ? ["mm", 1000] : ["m", 1];
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.max(longest * metre, 1e-9))));
  return (metres) => `${(metres * metre).toFixed(digits)} ${unit}`;
}

export class Measure {
  constructor(stage, meshes, bounds, layer, told) {
    Object.assign(this, { stage, meshes, bounds, layer, told, tool: "", points: [], done: [] });
    const size = bounds.getSize(new Vector3());
    this.say = lengths(Math.max(size.x, size.y, size.z));
    this.size = size;
    this.box = new Box3Helper(bounds, 0xc8653a);
    this.box.visible = false;
    stage.scene.add(this.box);
    let down = null;
    stage.canvas.addEventListener("pointerdown", (event) => { down = [event.clientX, event.clientY]; });
    stage.canvas.addEventListener("pointerup", (event) => {
      if (down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) < STILL) this.click(event.clientX, event.clientY);
      down = null;
    });
    stage.canvas.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.tool) { this.points = []; this.update(); }
      if (event.key !== "Enter" || !this.tool) return;
      const { left, top, width, height } = stage.canvas.getBoundingClientRect();
      this.click(left + width / 2, top + height / 2);
    });
    stage.before.push(() => this.paint());
  }

  use(tool) { this.tool = this.tool === tool ? "" : tool; this.points = []; this.update(); }

  sized(on) { this.box.visible = on; this.update(); }

  clear() { this.points = []; this.done = []; this.update(); }

  click(x, y) {
    if (!this.tool) return;
    const hit = this.pick(x, y);
    if (!hit) return this.told("There is no surface at that place.");
    this.points.push(hit.point);
    if (this.tool === "thickness") {
      const behind = this.through(hit);
      if (!behind) { this.points = []; return this.told("Nothing lies behind that place: the surface is open there."); }
      this.points.push(behind);
    }
    if (this.points.length >= NEEDS[this.tool]) {
      this.done.push({ tool: this.tool, points: this.points, text: this.words(this.tool, this.points) });
      this.points = [];
    }
    this.update();
  }

  // A click is as exact as a pixel is small there; a corner that caught it is exact.
  words(tool, [a, b, c]) {
    if (tool === "thickness") return this.say(a.distanceTo(b));
    const off = Math.hypot(a.off ?? 0, b.off ?? 0);
    if (tool === "distance") return this.say(a.distanceTo(b)) + (off ? ` ± ${this.say(off)}` : "");
    return `${((a.clone().sub(b).angleTo(c.clone().sub(b)) * 180) / Math.PI).toFixed(1)}°`;
  }

  // What of the surface is under a place of the window; its point is a corner of the face where that is large and one near.
  pick(x, y) {
    const { left, top, width, height } = this.stage.canvas.getBoundingClientRect();
    const ray = new Raycaster();
    ray.setFromCamera(new Vector2(((x - left) / width) * 2 - 1, 1 - ((y - top) / height) * 2), this.stage.camera);
    const hit = ray.intersectObjects(this.meshes, false).find(({ point }) => this.kept(point));
    if (!hit) return null;
    const places = hit.object.geometry.attributes.position;
    const corners = ["a", "b", "c"].map((name) => new Vector3().fromBufferAttribute(places, hit.face[name]));
    const seen = corners.map((corner) => this.stage.seen(corner));
    const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y), here = { x: x - left, y: y - top };
    const near = seen.reduce((best, at, i) => (apart(at, here) < apart(seen[best], here) ? i : best), 0);
    const large = Math.max(apart(seen[0], seen[1]), apart(seen[1], seen[2]), apart(seen[2], seen[0])) > LARGE;
    const caught = large && apart(seen[near], here) <= SNAP && this.kept(corners[near]);
    if (!caught) hit.point.off = (hit.distance * 2 * Math.tan((this.stage.camera.fov * Math.PI) / 360)) / height;
    return { ...hit, point: caught ? corners[near] : hit.point };
  }

  kept(point) { return (this.clipped ?? []).every((plane) => plane.distanceToPoint(point) >= -1e-9); }

  // Where a straight line into the body, square to the surface around HIT, comes out again.
  through({ point, object }) {
    const way = facing(object.geometry, point, 0.04 * this.stage.radius, this.stage.camera.position).negate();
    const ray = new Raycaster(point.clone().addScaledVector(way, 1e-4 * this.stage.radius), way);
    return ray.intersectObjects(this.meshes, false).find(({ distance }) => distance > 1e-3 * this.stage.radius)?.point ?? null;
  }

  update() {
    const texts = this.done.map((one) => `${one.tool} ${one.text}`);
    if (this.box.visible) texts.push(`size ${["x", "y", "z"].map((axis) => this.say(this.size[axis])).join(" × ")} (wide × tall × deep)`);
    const missing = this.tool ? NEEDS[this.tool] - this.points.length : 0;
    const hint = this.tool ? `Click ${missing} ${this.points.length ? "more " : ""}${missing === 1 ? "point" : "points"}${this.tool === "angle" ? ", its corner second" : ""}; Enter takes the middle of the view.` : "";
    this.stage.box.toggleAttribute("data-aiming", Boolean(this.tool));
    this.told(hint, texts);
    this.stage.draw();
  }

  paint() {
    const lines = [...this.done, { points: this.points, text: "" }];
    if (this.box.visible) lines.push(...this.edges());
    this.layer.measures(lines.map(({ points, text, soft }) => ({ places: points.map((point) => this.stage.seen(point)), text, soft })));
  }

  // One edge of the box for each of its three lengths: those that are seen best from the front.
  edges() {
    const { min, max } = this.bounds;
    const ends = { x: [[min.x, min.y, max.z], [max.x, min.y, max.z]], y: [[max.x, min.y, max.z], [max.x, max.y, max.z]], z: [[max.x, min.y, min.z], [max.x, min.y, max.z]] };
    return Object.entries(ends).map(([axis, [from, to]]) => ({ points: [new Vector3(...from), new Vector3(...to)], text: this.say(this.size[axis]), soft: true }));
  }
}
