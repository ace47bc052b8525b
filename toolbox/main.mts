/* The program behind the image podwire/toolbox. It stands alone: a pod sees this folder and nothing else of Podwire. */

const programs: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<void> }>>> = {
  pause: () => import("./pause.mts"),
  "http-server": () => import("./http-server.mts"),
  "probe-server": () => import("./probe-server.mts"),
  probe: () => import("./probe.mts"),
};

const [name = "", ...args] = process.argv.slice(2);
const program = programs[name];
if (program === undefined) {
  process.stderr.write(`toolbox: no program "${name}"; there are: ${Object.keys(programs).join(", ")}\n`);
  process.exitCode = 2;
} else {
  process.once("SIGTERM", () => process.exit(0));
  await (await program()).main(args);
}
