// The points of each pass: in its colour, or in the colour of how far they lie off the surface.
import { BufferAttribute, Color, Points, PointsMaterial } from "../vendor/three.module.min.js";

// blue: inside, white: on the surface, red: outside
const SCALE = [[-1, "#1f4fa3"], [-0.5, "#7fb2e5"], [0, "#ddd8c6"], [0.5, "#f0a070"], [1, "#b3261e"]];

export class Passes {
  constructor(stage, points, facts) {
    this.stage = stage;
    this.heat = false;
    this.list = points.map(({ number, geometry }) => {
      const fact = facts.passes[number] ?? {};
      const material = new PointsMaterial({ color: fact.colour ?? "#888", size: 2 * stage.renderer.getPixelRatio(), sizeAttenuation: false });
      const cloud = new Points(geometry, material);
      cloud.visible = false;
      stage.scene.add(cloud);
      return { number, cloud, fact, off: geometry.attributes._off };
    });
    this.reach = reach(this.list);
  }

  get measured() { return this.list.some((one) => one.off && one.fact.deviation); }

  show(number, on) {
    for (const one of this.list) if (one.number === number) one.cloud.visible = on;
    this.stage.draw();
  }

  shown() { return this.list.filter((one) => one.cloud.visible).map((one) => one.number); }

  warm(on) {
    this.heat = on;
    for (const one of this.list) {
      if (on && one.off && !one.cloud.geometry.attributes.color) one.cloud.geometry.setAttribute("color", coloured(one.off, this.reach));
      const material = one.cloud.material;
      material.vertexColors = on && Boolean(one.off);
      material.color.set(material.vertexColors ? "#fff" : one.fact.colour);
      material.needsUpdate = true;
    }
    this.stage.draw();
  }

  clip(planes) {
    for (const { cloud } of this.list) { cloud.material.clippingPlanes = planes; cloud.material.needsUpdate = true; }
  }
}

// Where the scale ends: the widest 95th percentile of a pass, so that a few far points do not pale the rest.
function reach(list) {
  return Math.max(1e-9, ...list.map((one) => one.fact.deviation?.p95 ?? 0));
}

export function heat(share) {
  const at = Math.max(-1, Math.min(1, share));
  const next = SCALE.findIndex(([end]) => at <= end), [high, to] = SCALE[Math.max(next, 1)], [low, from] = SCALE[Math.max(next, 1) - 1];
  return new Color(from).lerp(new Color(to), (at - low) / (high - low));
}

function coloured(off, reach) {
  const table = Array.from({ length: 257 }, (_, i) => heat(i / 128 - 1));
  const colours = new Float32Array(off.count * 3);
  for (let i = 0; i < off.count; i++) {
    table[Math.round(128 * (1 + Math.max(-1, Math.min(1, off.getX(i) / reach))))].toArray(colours, 3 * i);
  }
  return new BufferAttribute(colours, 3);
}

export const stripes = () => `linear-gradient(90deg, ${SCALE.map(([at, colour]) => `${colour} ${(at + 1) * 50}%`).join(", ")})`;
