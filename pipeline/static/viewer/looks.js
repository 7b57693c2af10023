// How the surface looks: as it is, as clay, as wires, or by the way it faces.
import { CanvasTexture, DoubleSide, MeshBasicMaterial, MeshMatcapMaterial, MeshNormalMaterial, SRGBColorSpace } from "../vendor/three.module.min.js";

export const LOOKS = { textured: "Colours", clay: "Clay", wireframe: "Wires", normals: "Normals" };

export class Looks {
  constructor(stage, meshes) {
    this.stage = stage;
    this.meshes = meshes;
    this.own = new Map(meshes.map((mesh) => [mesh, mesh.material]));
    if (meshes.some((mesh) => mesh.material.metalness > 0.2)) stage.shine();
    this.name = "textured";
  }

  show(name) {
    this.name = name in LOOKS ? name : "textured";
    for (const mesh of this.meshes) mesh.material = this.name === "textured" ? this.own.get(mesh) : this.made(this.name);
    this.clip(this.planes ?? []);
  }

  made(name) {
    this.kept ??= {};
    this.kept[name] ??= {
      clay: () => new MeshMatcapMaterial({ matcap: clay(), side: DoubleSide }),
      wireframe: () => new MeshBasicMaterial({ color: 0x2f6fb0, wireframe: true }),
      normals: () => new MeshNormalMaterial({ side: DoubleSide }),
    }[name]();
    return this.kept[name];
  }

  clip(planes) {
    this.planes = planes;
    for (const mesh of this.meshes) {
      mesh.material.clippingPlanes = planes;
      mesh.material.needsUpdate = true;
    }
    this.stage.draw();
  }
}

// A ball of clay under a soft light from above left, painted once.
function clay() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 256;
  const brush = canvas.getContext("2d"), shade = brush.createRadialGradient(98, 84, 8, 128, 128, 134);
  for (const [at, colour] of [[0, "#fbf5ec"], [0.45, "#d9cbb8"], [0.8, "#93816c"], [1, "#54483c"]]) shade.addColorStop(at, colour);
  brush.fillStyle = shade;
  brush.fillRect(0, 0, 256, 256);
  const found = new CanvasTexture(canvas);
  found.colorSpace = SRGBColorSpace;
  return found;
}
