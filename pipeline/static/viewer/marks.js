// What was found out about the scan, where it is: holes, places to scan again from, scanners.
import { ArrowHelper, Group, Vector3 } from "../vendor/three.module.min.js";

const REACH = 0.9; // of the model's radius: how long an arrow is, wherever the scanner would stand

export class Marks {
  constructor(stage, facts, say, layer) {
    Object.assign(this, { stage, facts, on: { holes: false, rescan: false, scanners: false } });
    this.arrows = new Group();
    for (const one of facts.rescan) {
      const aim = new Vector3(...one.aim), way = new Vector3(...one.place).sub(aim).normalize();
      const length = REACH * stage.radius, tail = aim.clone().addScaledVector(way, length);
      this.arrows.add(new ArrowHelper(way.clone().negate(), tail, length, 0xd9822b, 0.22 * length, 0.12 * length));
    }
    this.arrows.visible = false;
    stage.scene.add(this.arrows);
    this.points = {
      holes: facts.holes.map((hole, i) => ({ at: new Vector3(...hole.centre), text: `hole ${i}: ${say(hole.width)}${hole.filled ? ", closed without data" : ""}`, colour: "#b3261e" })),
      rescan: facts.rescan.map((one, i) => ({ at: this.arrows.children[i].position, text: `rescan ${i + 1}: shows ${Math.floor(100 * one.shows + 1e-6)} %`, colour: "#d9822b" })),
      scanners: facts.passes.filter((pass) => pass.scanner).map((pass) => ({ at: new Vector3(...pass.scanner), text: pass.name, colour: pass.colour })),
    };
    stage.before.push(() => layer.marks(Object.keys(this.on).filter((name) => this.on[name]).flatMap((name) => this.points[name]).map(({ at, text, colour }) => ({ place: stage.seen(at), text, colour }))));
  }

  has(name) { return this.points[name].length > 0; }

  show(name, on) {
    this.on[name] = on;
    this.arrows.visible = this.on.rescan;
    this.stage.draw();
  }
}
