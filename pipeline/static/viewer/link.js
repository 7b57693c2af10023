// A view as the part of an address behind "#": it opens again as it was left.
import { Vector3 } from "../vendor/three.module.min.js";

const short = (value) => Number(value.toPrecision(5));

export function written({ stage, looks, passes, section, standing }) {
  const said = { look: looks.name, from: stage.camera.position.toArray().map(short), to: stage.controls.target.toArray().map(short) };
  if (passes.shown().length) said.passes = passes.shown();
  if (passes.heat) said.heat = 1;
  if (standing && standing.value !== "y") said.up = standing.value;
  if (section.axis) said.cut = [section.axis, short(section.share), section.turned ? 1 : 0];
  return `#${Object.entries(said).map(([key, value]) => `${key}=${[value].flat().join(",")}`).join("&")}`;
}

// What an address says, of what can be believed: numbers that are numbers.
export function read(hash) {
  const said = Object.fromEntries(hash.replace(/^#/, "").split("&").map((part) => part.split("=", 2)));
  const numbers = (text) => (text ?? "").split(",").filter((part) => part !== "").map(Number).filter(Number.isFinite);
  const place = (text) => (numbers(text).length === 3 ? new Vector3(...numbers(text)) : null);
  const [axis, share, turned] = (said.cut ?? "").split(",");
  return {
    look: said.look,
    up: /^-?[xyz]$/.test(said.up ?? "") ? said.up : "y",
    from: place(said.from),
    to: place(said.to),
    passes: numbers(said.passes),
    heat: said.heat === "1",
    cut: axis && Number.isFinite(Number(share)) ? [axis, Math.min(1, Math.max(0, Number(share))), turned === "1"] : null,
  };
}
