// node validate_glb.cjs model.glb: prints the Khronos validator's issues as JSON.
const fs = require("fs");
const validator = require("gltf-validator");
validator
  .validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])), { maxIssues: 100 })
  .then((report) => console.log(JSON.stringify({ issues: report.issues, info: report.info })));
