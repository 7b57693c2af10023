// What dclint holds against the compose file that is named: one line each, of those that are errors, its looks apart.
// By its library: its command line wants a newer node than Debian 12 has.
import { DCLinter } from "dclint";

const linter = new DCLinter({ rules: {}, quiet: true });
for (const { messages } of linter.lintFiles([process.argv[2]], false))
  for (const { category, line, message, rule, type } of messages)
    if (type === "error" || category === "security") console.log(`${line}: ${rule}: ${message}`);
