// Words and lines over the model, as SVG: they stay sharp and lie before everything.
const NS = "http://www.w3.org/2000/svg", LINE = 17; // pixels

function shape(name, facts, text) {
  const found = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(facts)) found.setAttribute(key, value);
  if (text) found.textContent = text;
  return found;
}

export class Layer {
  constructor(box) {
    this.svg = shape("svg", { class: "i3d-layer", "aria-hidden": "true" });
    this.groups = ["marks", "measures"].map((name) => shape("g", { class: name }));
    this.svg.append(...this.groups);
    box.append(this.svg);
  }

  measures(lines) {
    const parts = [];
    for (const { places, text, soft } of lines) {
      if (!places.length || places.some((place) => !place.ahead)) continue;
      if (!soft) {
        if (places.length > 1) parts.push(shape("polyline", { points: places.map(({ x, y }) => `${x},${y}`).join(" ") }));
        for (const { x, y } of places) parts.push(shape("circle", { cx: x, cy: y, r: 4 }));
      }
      if (text) parts.push(this.label(places.length === 3 ? places[1] : between(places), text));
    }
    this.groups[1].replaceChildren(...parts);
  }

  // Words that would lie on each other stand one above the other.
  marks(list) {
    const taken = [], dots = [], words = [];
    for (const { place, text, colour } of list.filter(({ place }) => place.ahead).sort((one, other) => other.place.y - one.place.y)) {
      const wide = 7.5 * text.length;
      let y = place.y - 12;
      for (const other of taken) if (Math.abs(other.x - place.x) < (other.wide + wide) / 2 && y > other.y - LINE && y < other.y + LINE) y = other.y - LINE;
      taken.push({ x: place.x, y, wide });
      dots.push(shape("circle", { cx: place.x, cy: place.y, r: 5, style: `fill:${colour}` }));
      words.push(this.label({ x: place.x, y }, text));
    }
    this.groups[0].replaceChildren(...dots, ...words);
  }

  label({ x, y }, text) { return shape("text", { x, y: y - 7 }, text); }
}

const between = (places) => ({ x: (places[0].x + places.at(-1).x) / 2, y: (places[0].y + places.at(-1).y) / 2 });
