// A GLB becomes what the tools work on: one mesh with a tree for picking, points by pass, and what is known of them.
import { BufferAttribute, BufferGeometry, Group, Mesh, Sphere, Vector3 } from "../vendor/three.module.min.js";
import { GLTFLoader } from "../vendor/GLTFLoader.js";
import { MeshoptDecoder } from "../vendor/meshopt_decoder.module.js";
import { acceleratedRaycast, MeshBVH } from "../vendor/three-mesh-bvh.module.js";

Mesh.prototype.raycast = acceleratedRaycast;

export async function content(bytes) {
  const loader = new GLTFLoader().setMeshoptDecoder(MeshoptDecoder);
  const { scene } = await loader.parseAsync(bytes, "");
  scene.updateMatrixWorld(true);
  const meshes = [], points = [];
  scene.traverse((object) => { if (object.isMesh) meshes.push(object); else if (object.isPoints) points.push(object); });
  const model = new Group();
  for (const mesh of meshes) model.add(plain(mesh));
  return {
    model,
    meshes: model.children,
    points: points.map((one) => ({ number: one.userData.pass ?? 0, geometry: spread(one) })),
    facts: { passes: [], holes: [], rescan: [], ...scene.userData },
  };
}

// The mesh in metres, whatever its node and its numbers' form; its tree serves picking and sections.
function plain(mesh) {
  const geometry = spread(mesh);
  if (!geometry.index) geometry.setIndex([...geometry.attributes.position.array.keys()].filter((i) => i < geometry.attributes.position.count));
  const found = new Mesh(geometry, mesh.material);
  geometry.boundsTree = new MeshBVH(geometry);
  return found;
}

function spread(object) {
  const source = object.geometry, geometry = new BufferGeometry();
  for (const [name, attribute] of Object.entries(source.attributes)) {
    if (name !== "position" && name !== "normal") geometry.setAttribute(name, attribute);
    else {
      const flat = new Float32Array(attribute.count * 3);
      for (let i = 0; i < attribute.count; i++) flat.set([attribute.getX(i), attribute.getY(i), attribute.getZ(i)], 3 * i);
      geometry.setAttribute(name, new BufferAttribute(flat, 3));
    }
  }
  if (source.index) geometry.setIndex(source.index);
  geometry.applyMatrix4(object.matrixWorld);
  if (object.isMesh && !geometry.attributes.normal) geometry.computeVertexNormals();
  return geometry;
}

// The way the surface faces around POINT, towards EYE: over a ball of RADIUS, for one triangle is noise.
export function facing(geometry, point, radius, eye) {
  const ball = new Sphere(point, radius), sum = new Vector3(), normal = new Vector3(), middle = new Vector3();
  const view = eye.clone().sub(point);
  geometry.boundsTree.shapecast({
    intersectsBounds: (box) => ball.intersectsBox(box),
    intersectsTriangle: (face) => {
      face.getNormal(normal);
      const inside = face.getMidpoint(middle).distanceTo(point) < radius;
      if (inside && normal.dot(view) > 0) sum.addScaledVector(normal, face.getArea());
    },
  });
  if (sum.lengthSq() === 0) nearest(geometry, point, sum);
  return sum.normalize();
}

function nearest(geometry, point, normal) {
  const { faceIndex } = geometry.boundsTree.closestPointToPoint(point), at = geometry.index, places = geometry.attributes.position;
  const [a, b, c] = [0, 1, 2].map((i) => new Vector3().fromBufferAttribute(places, at.getX(3 * faceIndex + i)));
  return normal.copy(b.sub(a)).cross(c.sub(a));
}
