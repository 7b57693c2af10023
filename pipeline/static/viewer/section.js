// A plane that cuts the model open, with its cut closed and outlined.
import {
  AlwaysStencilFunc, BackSide, BufferAttribute, BufferGeometry, DecrementWrapStencilOp, DoubleSide, FrontSide, IncrementWrapStencilOp,
  Line3, LineBasicMaterial, LineSegments, Mesh, MeshBasicMaterial, NotEqualStencilFunc, PlaneGeometry, ReplaceStencilOp, Vector3,
} from "../vendor/three.module.min.js";

const AXES = { x: new Vector3(1, 0, 0), y: new Vector3(0, 1, 0), z: new Vector3(0, 0, 1) };

export class Section {
  constructor(stage, meshes, bounds) {
    Object.assign(this, { stage, meshes, bounds, axis: "", share: 0.5, turned: false });
    this.parts = [];
    this.cap = new Mesh(new PlaneGeometry(), new MeshBasicMaterial({
      color: 0xc8653a, side: DoubleSide, stencilWrite: true, stencilRef: 0, stencilFunc: NotEqualStencilFunc,
      stencilFail: ReplaceStencilOp, stencilZFail: ReplaceStencilOp, stencilZPass: ReplaceStencilOp,
    }));
    this.cap.renderOrder = 1.1;
    this.cap.onAfterRender = () => stage.renderer.clearStencil();
    this.rim = new LineSegments(new BufferGeometry(), new LineBasicMaterial({ color: 0x5a2410 }));
    this.rim.renderOrder = 2;
    for (const mesh of meshes) this.parts.push(this.counted(mesh, BackSide, IncrementWrapStencilOp), this.counted(mesh, FrontSide, DecrementWrapStencilOp));
    for (const part of [...this.parts, this.cap, this.rim]) { part.visible = false; stage.scene.add(part); }
  }

  // What lies behind the plane counts up, what lies before it down: where they differ, the cut goes through matter.
  counted(mesh, side, operation) {
    const material = new MeshBasicMaterial({
      side, clippingPlanes: [this.stage.plane], depthWrite: false, depthTest: false, colorWrite: false, stencilWrite: true,
      stencilFunc: AlwaysStencilFunc, stencilFail: operation, stencilZFail: operation, stencilZPass: operation,
    });
    const found = new Mesh(mesh.geometry, material);
    found.renderOrder = 1;
    return found;
  }

  // AXIS "" takes the section away; SHARE is how far along the box it stands.
  set(axis, share = this.share, turned = this.turned) {
    Object.assign(this, { axis: axis in AXES ? axis : "", share, turned });
    const on = Boolean(this.axis);
    for (const part of [...this.parts, this.cap, this.rim]) part.visible = on;
    if (on) this.place();
    this.stage.draw();
    return on ? [this.stage.plane] : [];
  }

  get at() { return this.bounds.min[this.axis] + this.share * (this.bounds.max[this.axis] - this.bounds.min[this.axis]); }

  place() {
    const way = AXES[this.axis], plane = this.stage.plane;
    plane.normal.copy(way).multiplyScalar(this.turned ? 1 : -1);
    plane.constant = this.turned ? -this.at : this.at;
    this.cap.position.copy(this.bounds.getCenter(new Vector3()));
    this.cap.position[this.axis] = this.at;
    this.cap.scale.setScalar(2.2 * this.stage.radius);
    this.cap.lookAt(this.cap.position.clone().add(way));
    this.rim.geometry.setAttribute("position", new BufferAttribute(outline(this.meshes, plane), 3));
    this.rim.geometry.computeBoundingSphere();
  }
}

// Where PLANE goes through the faces: pairs of points.
function outline(meshes, plane) {
  const found = [], edge = new Line3(), hit = new Vector3();
  for (const mesh of meshes) {
    mesh.geometry.boundsTree.shapecast({
      intersectsBounds: (box) => plane.intersectsBox(box),
      intersectsTriangle: (face) => {
        const ends = [];
        for (const [a, b] of [["a", "b"], ["b", "c"], ["c", "a"]]) {
          edge.start.copy(face[a]);
          edge.end.copy(face[b]);
          if (plane.intersectLine(edge, hit) && !ends.some((end) => end.distanceToSquared(hit) < 1e-20)) ends.push(hit.clone());
        }
        if (ends.length === 2) for (const end of ends) found.push(end.x, end.y, end.z);
      },
    });
  }
  return new Float32Array(found);
}
