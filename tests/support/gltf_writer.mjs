// node gltf_writer.mjs FOLDER < numbers.json: one mesh as glTF-Transform writes it, each way of packing in a file of its own.
import fs from "node:fs";
import { Document, NodeIO, VertexLayout } from "@gltf-transform/core";
import {
  ALL_EXTENSIONS,
  KHRMaterialsPBRSpecularGlossiness,
  KHRTextureTransform,
} from "@gltf-transform/extensions";
import { draco, instance, meshopt, quantize, textureCompress } from "@gltf-transform/functions";
import draco3d from "draco3dgltf";
import { ktx2 } from "ktx2-encoder/gltf-transform";
import { MeshoptDecoder, MeshoptEncoder } from "meshoptimizer";
import sharp from "sharp";

const folder = process.argv[2];
const given = JSON.parse(fs.readFileSync(0));
await MeshoptEncoder.ready;
const io = new NodeIO().registerExtensions(ALL_EXTENSIONS).registerDependencies({
  "draco3d.encoder": await draco3d.createEncoderModule(),
  "meshopt.encoder": MeshoptEncoder,
  "meshopt.decoder": MeshoptDecoder,
});

function made(looks) {
  const held = new Document();
  const buffer = held.createBuffer();
  const rows = (kind, numbers) => held.createAccessor().setType(kind).setArray(numbers).setBuffer(buffer);
  const floats = (kind, name) => rows(kind, new Float32Array(given[name].flat()));
  const material = held.createMaterial("wood").setRoughnessFactor(1).setMetallicFactor(0);
  const primitive = held
    .createPrimitive()
    .setMaterial(material)
    .setAttribute("POSITION", floats("VEC3", "position"))
    .setAttribute("NORMAL", floats("VEC3", "normal"))
    .setIndices(rows("SCALAR", new Uint16Array(given.index.flat())));
  if (looks === "colours") {
    const colours = rows("VEC3", new Uint8Array(given.color.flat())).setNormalized(true);
    primitive.setAttribute("COLOR_0", colours);
  } else {
    primitive.setAttribute("TEXCOORD_0", floats("VEC2", "uv"));
    const picture = fs.readFileSync(`${folder}/tex.png`);
    material.setBaseColorTexture(held.createTexture("wood").setImage(picture).setMimeType("image/png"));
  }
  const node = held.createNode("body").setMesh(held.createMesh("body").addPrimitive(primitive));
  held.createScene().addChild(node);
  return held;
}

async function write(name, held, ...transforms) {
  await held.transform(...transforms);
  await io.write(`${folder}/${name}`, held);
}

const each = (held) => held.getRoot().listMeshes().flatMap((mesh) => mesh.listPrimitives());
// As floats: of normalised integers glTF-Transform writes zeros there.
const sparse = (held) =>
  each(held).forEach((one) =>
    one.listAttributes().forEach((rows) => {
      const numbers = Float32Array.from(rows.getArray(), (held) => (rows.getNormalized() ? held / 255 : held));
      rows.setNormalized(false).setArray(numbers).setSparse(true);
    }),
  );
const quantised = { encoder: MeshoptEncoder, level: "medium" };
await write("a.glb", made("colours"));
await write("sparse.glb", made("colours"), sparse);
await write("quantised.glb", made("colours"), quantize());
await write("meshopt.glb", made("colours"), meshopt(quantised));
await write("filtered.glb", made("picture"), meshopt({ ...quantised, level: "high" }));
await write("draco.glb", made("colours"), draco());
await write("sequential.glb", made("picture"), draco({ method: "sequential" }));

await write("picture.gltf", made("picture"));
io.setVertexLayout(VertexLayout.SEPARATE);
await write("separate.glb", made("picture"));
await write("webp.glb", made("picture"), textureCompress({ encoder: sharp, targetFormat: "webp", lossless: true }));
await write("avif.glb", made("picture"), textureCompress({ encoder: sharp, targetFormat: "avif", lossless: true }));
const imageDecoder = async (bytes) => {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
};
for (const isUASTC of [true, false]) {
  const more = { isUASTC, generateMipmap: true, qualityLevel: 255, imageDecoder };
  await write(isUASTC ? "uastc.glb" : "etc1s.glb", made("picture"), ktx2(more));
}
await write("turned.glb", made("picture"), (held) => {
  const turn = held.createExtension(KHRTextureTransform).createTransform();
  turn.setOffset(given.offset).setRotation(given.rotation).setScale(given.scale);
  const [material] = held.getRoot().listMaterials();
  material.getBaseColorTextureInfo().setExtension("KHR_texture_transform", turn);
});
await write("glossy.glb", made("picture"), (held) => {
  const [material] = held.getRoot().listMaterials();
  const look = held.createExtension(KHRMaterialsPBRSpecularGlossiness).createPBRSpecularGlossiness();
  look.setDiffuseTexture(material.getBaseColorTexture());
  material.setBaseColorTexture(null).setExtension("KHR_materials_pbrSpecularGlossiness", look);
});
const copied = (held) => {
  const [node] = held.getRoot().listNodes();
  for (const place of given.copies) {
    const copy = held.createNode("copy").setMesh(node.getMesh()).setTranslation(place.slice(0, 3));
    held.getRoot().listScenes()[0].addChild(copy.setRotation(place.slice(3, 7)).setScale(place.slice(7)));
  }
};
await write("instances.glb", made("colours"), copied, instance({ min: 2 }));
