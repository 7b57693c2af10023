// The stage: canvas, camera, light, and drawing only when something changed.
import { Box3, Color, DirectionalLight, HemisphereLight, PerspectiveCamera, Plane, PMREMGenerator, Quaternion, Scene, Vector3, WebGLRenderer } from "../vendor/three.module.min.js";
import { OrbitControls } from "../vendor/OrbitControls.js";
import { RoomEnvironment } from "../vendor/RoomEnvironment.js";

const VIEW = { azimuth: 35, height: 22 }; // degrees; the pictures of a job are taken from there
const STEP = 0.12; // radians a key turns by

export class Stage {
  constructor(box) {
    this.box = box;
    this.renderer = new WebGLRenderer({ antialias: !drawnInSoftware(), alpha: true, stencil: true, preserveDrawingBuffer: false });
    this.renderer.localClippingEnabled = true;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "The model. Arrow keys turn it, with Shift they move it, plus and minus come closer and go away, 0 resets.");
    box.append(this.canvas);
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(30, 1, 0.01, 100);
    this.scene.add(this.camera, new HemisphereLight(0xffffff, 0x8d877c, 2.2));
    for (const [place, strength] of [[[2, 3, 4], 1.9], [[-4, 1, 1], 0.7]]) {
      const light = new DirectionalLight(0xffffff, strength);
      light.position.set(...place);
      this.camera.add(light, light.target);
    }
    this.tilt = new Quaternion(); // from the model's axes to those of the view, in which y is up
    this.orbit();
    this.plane = new Plane(new Vector3(0, -1, 0), 0);
    this.before = []; // called before each drawing
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.fit()).observe(box);
  }

  orbit() {
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.zoomToCursor = true;
    this.controls.addEventListener("change", () => { this.draw(); this.moved?.(); });
    this.canvas.style.touchAction = "pan-y"; // a page stays scrollable by the finger; see whole()
  }

  // AXIS of the model points up from now on, as if it had been turned so; its numbers stay.
  upright(axis) {
    const { minDistance, maxDistance } = this.controls;
    this.controls.dispose();
    this.camera.up.copy(axis);
    this.tilt.setFromUnitVectors(axis, new Vector3(0, 1, 0));
    this.orbit();
    Object.assign(this.controls, { minDistance, maxDistance });
    this.reset();
  }

  // MESHES in a box in metres become what the camera stands around.
  frame(box, meshes) {
    this.bounds = box.clone();
    this.centre = box.getCenter(new Vector3());
    this.radius = Math.max(1e-6, ...meshes.map((mesh) => farthest(mesh.geometry.attributes.position, this.centre)));
    this.camera.near = this.radius / 100;
    this.camera.far = this.radius * 100;
    this.controls.minDistance = this.radius / 50;
    this.controls.maxDistance = this.radius * 40;
    this.fit();
    this.reset();
  }

  reset() {
    const turn = (VIEW.azimuth * Math.PI) / 180, rise = (VIEW.height * Math.PI) / 180;
    const away = (this.radius / Math.sin((this.camera.fov * Math.PI) / 360)) / Math.min(1, this.camera.aspect) * 1.03;
    const way = new Vector3(Math.sin(turn) * Math.cos(rise), Math.sin(rise), Math.cos(turn) * Math.cos(rise));
    this.look(this.back(way).multiplyScalar(away).add(this.centre), this.centre);
  }

  // WAY, told in the view's axes, in those of the model.
  back(way) { return way.applyQuaternion(this.tilt.clone().invert()); }

  look(place, aim) {
    this.camera.position.copy(place);
    this.controls.target.copy(aim);
    this.controls.update();
    this.draw();
  }

  fit() {
    const { clientWidth: wide, clientHeight: tall } = this.box;
    if (!wide || !tall) return;
    this.renderer.setSize(wide, tall, false);
    this.camera.aspect = wide / tall;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  // Metal shows what surrounds it, and nothing else: a room is made only for those who need it.
  shine() {
    if (this.scene.environment) return;
    const maker = new PMREMGenerator(this.renderer);
    this.scene.environment = maker.fromScene(new RoomEnvironment(), 0.04, 0.1, 100, { size: 64 }).texture;
    this.scene.environmentIntensity = 0.7;
  }

  draw() {
    if (this.due || !this.bounds) return;
    this.due = requestAnimationFrame(() => { this.due = 0; this.now(); });
  }

  now() {
    for (const call of this.before) call();
    this.renderer.render(this.scene, this.camera);
    this.drawn = (this.drawn ?? 0) + 1;
  }

  async still(light) {
    this.scene.background = light ? new Color(light) : null;
    this.now();
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/png"));
    this.scene.background = null;
    this.draw();
    return blob;
  }

  whole(on) { this.canvas.style.touchAction = on ? "none" : "pan-y"; }

  // Where POINT is seen: pixels of the box, and whether it lies ahead of the camera.
  seen(point) {
    this.camera.updateMatrixWorld(); // it may have moved since the last drawing
    const at = point.clone().project(this.camera);
    return { x: ((at.x + 1) / 2) * this.box.clientWidth, y: ((1 - at.y) / 2) * this.box.clientHeight, ahead: at.z < 1 };
  }

  key(event) {
    const turns = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (turns && event.shiftKey) this.move(...turns);
    else if (turns) this.turn(...turns);
    else if (event.key === "+" || event.key === "=") this.closer(0.85);
    else if (event.key === "-") this.closer(1 / 0.85);
    else if (event.key === "0" || event.key === "Home") this.reset();
    else return;
    event.preventDefault();
  }

  turn(aside, up) {
    const way = this.camera.position.clone().sub(this.controls.target).applyQuaternion(this.tilt);
    const flat = Math.hypot(way.x, way.z), length = way.length();
    const angle = Math.atan2(way.x, way.z) - aside * STEP;
    const rise = Math.max(-1.5, Math.min(1.5, Math.atan2(way.y, flat) + up * STEP));
    way.set(Math.sin(angle) * Math.cos(rise), Math.sin(rise), Math.cos(angle) * Math.cos(rise)).multiplyScalar(length);
    this.look(this.back(way).add(this.controls.target), this.controls.target);
  }

  move(aside, up) {
    const step = this.camera.position.distanceTo(this.controls.target) * 0.06;
    const by = new Vector3(-aside * step, up * step, 0).applyQuaternion(this.camera.quaternion);
    this.look(this.camera.position.clone().add(by), this.controls.target.clone().add(by));
  }

  closer(factor) {
    const way = this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor);
    this.look(way.add(this.controls.target), this.controls.target);
  }
}

// Whether no GPU draws: smooth edges cost a processor more than everything else of a fine mesh.
function drawnInSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2"), who = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = who ? gl.getParameter(who.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

function farthest(places, centre) {
  const point = new Vector3();
  let found = 0;
  for (let i = 0; i < places.count; i++) found = Math.max(found, point.fromBufferAttribute(places, i).distanceToSquared(centre));
  return Math.sqrt(found);
}

export const boxOf = (object) => new Box3().setFromObject(object, true);
