// node three_writer.mjs FOLDER < numbers.json: the mesh or the points as three.js writes them.
import fs from "node:fs";
import * as three from "three";
import { OBJExporter } from "three/examples/jsm/exporters/OBJExporter.js";
import { PLYExporter } from "three/examples/jsm/exporters/PLYExporter.js";
import { STLExporter } from "three/examples/jsm/exporters/STLExporter.js";

const folder = process.argv[2];
const given = JSON.parse(fs.readFileSync(0));
const geometry = new three.BufferGeometry();
const column = (name, width) =>
  geometry.setAttribute(name, new three.BufferAttribute(new Float32Array(given[name].flat()), width));
column("position", 3);
column("normal", 3);
column("color", 3);
for (let k = 0; k < given.color.length; k += 1) {
  const color = new three.Color().setRGB(...given.color[k], three.SRGBColorSpace);
  geometry.attributes.color.setXYZ(k, color.r, color.g, color.b);
}
if (given.index) geometry.setIndex(given.index.flat());
const shown = given.index
  ? new three.Mesh(geometry, new three.MeshBasicMaterial())
  : new three.Points(geometry, new three.PointsMaterial({ vertexColors: true }));
const scene = new three.Scene().add(shown);
scene.updateMatrixWorld(true);

const write = (name, data) =>
  fs.writeFileSync(`${folder}/${name}`, typeof data === "string" ? data : new DataView(data.buffer ?? data));
const ply = new PLYExporter();
for (const [name, options] of [
  ["big.ply", { binary: true, littleEndian: false }],
  ["little.ply", { binary: true, littleEndian: true }],
  ["text.ply", {}],
]) write(name, ply.parse(scene, null, options));
write("a.obj", new OBJExporter().parse(scene));
if (given.index) {
  write("a.stl", new STLExporter().parse(scene, { binary: true }));
  write("text.stl", new STLExporter().parse(scene));
}
