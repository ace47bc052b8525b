/* The program behind the images that are built in. It stands alone: a pod sees this folder and nothing else of Podwire. */

const programs: Readonly<Record<string, () => Promise<{ main(args: readonly string[]): Promise<void> }>>> = {
  load: () => import("./load.mts"),
  agnhost: () => import("./agnhost.mts"),
  "hpa-example": () => import("./hpa-example.mts"),
  "http-server": () => import("./http-server.mts"),
  "probe-server": () => import("./probe-server.mts"),
  probe: () => import("./probe.mts"),
};
/** Done by the launcher, without Node. */
const ofTheShell = "pause";

const [name = "", ...args] = process.argv.slice(2);
const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
if (program === undefined) {
  process.stderr.write(`toolbox: no program "${name}"; there are: ${[...Object.keys(programs), ofTheShell].join(", ")}\n`);
  process.exitCode = 2;
} else {
  process.once("SIGTERM", () => process.exit(0));
  await (await program()).main(args);
}
